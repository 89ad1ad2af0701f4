import {describe, expect, it} from 'vitest';
import {colorTable} from '../../src/render/colormap.js';
import {colorize, colormapNames, maskImage, outline, overlay, paint, resizeMap, toRgba} from '../../src/render/index.js';
import {expectClose} from '../helpers/expect.js';

const colorsOf = (image: {data: ArrayLike<number>}): number[][] =>
  Array.from({length: image.data.length / 4}, (_, pixel) => Array.from({length: 4}, (_value, channel) => image.data[pixel * 4 + channel]!));
const map = (data: number[], width: number): {data: Float32Array; width: number; height: number} => ({
  data: Float32Array.from(data),
  width,
  height: data.length / width,
});
const picture = {data: Uint8Array.from({length: 4 * 6 * 3}, (_, index) => (index * 37) % 256), width: 6, height: 4};

describe('colorize', () => {
  it('gives the ends of the scale to the two pixels of a map', () => {
    // matplotlib's viridis starts at #440154 and ends at #fde725.
    expect(colorsOf(colorize(map([-3, 5], 2), {colormap: 'viridis'}))).toEqual([
      [0x44, 0x01, 0x54, 255],
      [0xfd, 0xe7, 0x25, 255],
    ]);
    expect(colorsOf(colorize(map([0, 1], 1), {colormap: 'greys'})).map(([red]) => red)).toEqual([0, 255]);
  });

  it('places values by the given range and clamps what lies outside', () => {
    const table = colorTable('turbo');
    const reds = colorsOf(colorize(map([-1, 0, 0.2, 1, 7], 5), {range: [0, 1]})).map((color) => color.slice(0, 3));
    expect(reds).toEqual([0, 0, 51, 255, 255].map((entry) => [...table.subarray(entry * 3, entry * 3 + 3)]));
  });

  it('draws a flat map in one colour and leaves NaN transparent', () => {
    const flat = colorsOf(colorize(map([0.7, 0.7, 0.7], 3)));
    expect(new Set(flat.map(String)).size).toBe(1);
    expect(flat[0]![3]).toBe(255);
    expect(colorsOf(colorize(map([0, NaN, 1], 3)))[1]).toEqual([0, 0, 0, 0]);
    expect(colorsOf(colorize(map([NaN, Infinity], 2))).map((color) => color[3])).toEqual([0, 255]);
  });

  it('knows every scale it names, and no other', () => {
    for (const colormap of colormapNames) expect(new Set(colorTable(colormap)).size, colormap).toBeGreaterThan(50);
    expect(() => colorize(map([0, 1], 2), {colormap: 'jet' as 'turbo'})).toThrow(/colormap must be one of/);
    expect(() => colorize(map([0, 1], 2), {range: [1, 0]})).toThrow(RangeError);
    expect(() => colorize({data: [1], width: 2, height: 2})).toThrow(RangeError);
  });
});

describe('overlay', () => {
  const ramp = map(
    Array.from({length: 24}, (_, index) => index),
    6,
  );

  it('is the picture at opacity 0 and the coloured map at opacity 1', () => {
    expect(overlay(picture, ramp, {opacity: 0}).data).toEqual(toRgba(picture).data);
    expect(overlay(picture, ramp, {opacity: 1}).data).toEqual(colorize(ramp).data);
  });

  it('mixes in between and does not change the picture', () => {
    const before = picture.data.slice();
    const mixed = overlay(picture, ramp, {opacity: 0.25}).data;
    const expected = Array.from(toRgba(picture).data, (value, index) => 0.75 * value + 0.25 * colorize(ramp).data[index]!);
    expectClose(mixed, expected, {abs: 0.5001});
    expect(picture.data).toEqual(before);
  });

  it('resizes the map to the picture', () => {
    const small = map([0, 1], 2);
    expect(overlay(picture, small, {opacity: 1}).data).toEqual(colorize(resizeMap(small, [4, 6])).data);
    expect(() => overlay(picture, small, {opacity: 2})).toThrow(/opacity/);
    expect(() => overlay(picture, {...small, height: 0})).toThrow('overlay: map');
  });
});

describe('resizeMap', () => {
  it('keeps the centre of mass and the values of a plane', () => {
    const peak = resizeMap(map([0, 0, 0, 0, 1, 0, 0, 0, 0], 3), [9, 9]);
    let mass = 0;
    let moment = 0;
    peak.data.forEach((value, index) => {
      mass += value;
      moment += value * (index % 9);
    });
    expect(moment / mass).toBeCloseTo(4, 5);
    expectClose(resizeMap(map([0, 1], 2), [1, 4]).data, [0, 0.25, 0.75, 1], {abs: 1e-6});
    expectClose(resizeMap(map([0, 1], 1), [4, 1]).data, [0, 0.25, 0.75, 1], {abs: 1e-6});
  });
});

describe('maskImage', () => {
  it('multiplies the pixels by the map', () => {
    const grey = {data: Uint8Array.from([200, 200, 200, 200]), width: 2, height: 2, channels: 1 as const};
    const reds = (masked: {data: ArrayLike<number>}): number[] => colorsOf(masked).map((color) => color[0]!);
    expect(reds(maskImage(grey, map([0, 0.5, 1, NaN], 2)))).toEqual([0, 100, 200, 0]);
    expect(reds(maskImage(grey, map([0, 0.5, 1, 3], 2), {fill: [100, 0, 0]}))).toEqual([100, 150, 200, 200]);
  });

  it('keeps everything under a map of ones, of any size', () => {
    expect(maskImage(picture, map([1, 1], 2)).data).toEqual(toRgba(picture).data);
  });
});

describe('outline', () => {
  const block = [0, 0, 0, 0, 0, /**/ 0, 1, 1, 1, 0, /**/ 0, 1, 1, 1, 0, /**/ 0, 1, 1, 1, 0, /**/ 0, 0, 0, 0, 0];

  it('is the ring of a block, inside or around it', () => {
    const inside = [0, 0, 0, 0, 0, /**/ 0, 1, 1, 1, 0, /**/ 0, 1, 0, 1, 0, /**/ 0, 1, 1, 1, 0, /**/ 0, 0, 0, 0, 0];
    const outside = [0, 1, 1, 1, 0, /**/ 1, 0, 0, 0, 1, /**/ 1, 0, 0, 0, 1, /**/ 1, 0, 0, 0, 1, /**/ 0, 1, 1, 1, 0];
    expect([...outline(block, 5, 5)]).toEqual(inside);
    // Around a region, what lies beyond the picture is no neighbour.
    expect([...outline(block, 5, 5, {side: 'outside'})]).toEqual(outside);
  });

  it('closes at the border of the picture', () => {
    expect([...outline([1, 1, 1, 1, 1, 1, 1, 1, 1], 3, 3)]).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1]);
    expect([...outline([1, 1, 1, 1], 2, 2, {side: 'outside'})]).toEqual([0, 0, 0, 0]);
    expect([...outline([0, 0, 0, 0], 2, 2, {side: 'outside'})]).toEqual([0, 0, 0, 0]);
  });

  it('is painted over a copy of the picture', () => {
    const painted = paint({data: Uint8Array.from([1, 2, 3, 4, 5, 6]), width: 2, height: 1}, [0, 1], [9, 8, 7]);
    expect([...painted.data]).toEqual([1, 2, 3, 255, 9, 8, 7, 255]);
    expect([...paint(painted, [1, 0], [0, 255, 0]).data]).toEqual([0, 255, 0, 255, 9, 8, 7, 255]);
    expect(() => paint(painted, [1, 0], [0, 256, 0])).toThrow('paint: color[1] must be');
    expect(() => paint(painted, [1, 0], [0, 0] as never)).toThrow('paint: color must be [red, green, blue]');
    expect(() => paint(picture, [1], [0, 0, 0])).toThrow(RangeError);
  });
});
