import {describe, expect, it} from 'vitest';
import {gridSegments} from '../../src/baselines/lime/superpixels/grid.js';
import {toLab} from '../../src/baselines/lime/superpixels/lab.js';
import {quickshift} from '../../src/baselines/lime/superpixels/quickshift.js';
import {relabelSegments, type Segments} from '../../src/baselines/lime/superpixels/segments.js';
import {slic} from '../../src/baselines/lime/superpixels/slic.js';
import {Random} from '../../src/core/random.js';
import type {DecodedImage} from '../../src/core/types.js';
import {expectClose} from '../helpers/expect.js';
import {golden, hasGolden, type GoldenArray} from '../helpers/golden.js';
import {adjustedRand, boundaryF, type Partition} from '../helpers/partition-agreement.js';

interface Photograph {
  source: string;
  height: number;
  width: number;
  image: GoldenArray;
  quickshift: {labels: GoldenArray; count: number};
  slic: {n_segments: number; count: number; labels: GoldenArray; grid_rand: number; grid_boundary_f: number}[];
}

/** Four flat colours in quarters of another size, on an image that is not square. */
function quarters(height = 30, width = 44): DecodedImage {
  const colours = [
    [250, 20, 20],
    [20, 250, 20],
    [20, 20, 250],
    [240, 240, 240],
  ];
  const data = new Uint8Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) data.set(colours[quarterOf(pixel, width)]!, pixel * 3);
  return {data, height, width};
}
const quarterOf = (pixel: number, width: number): number => (Math.floor(pixel / width) < 12 ? 0 : 2) + (pixel % width < 28 ? 0 : 1);

function expectWhole({labels, height, width, numSegments}: Segments): void {
  expect(labels).toHaveLength(height * width);
  expect([...new Set(labels)].sort((a, b) => a - b)).toEqual(Array.from({length: numSegments}, (_, label) => label));
}

describe('stored label maps of photographs', () => {
  it('quickshift and slic agree with scikit-image', {timeout: 120_000}, async ({skip}) => {
    if (!(await hasGolden('superpixels'))) skip('The family superpixels holds photographs and is not here (AKD_GOLDENS).');
    for (const {source, image, height, width, ...stored} of (await golden<{images: Photograph[]}>('superpixels')).images) {
      const picture = {data: image.values as Uint8Array, height, width};
      const expected = (labels: GoldenArray): Partition => ({labels: labels.values, height, width});
      const shifted = quickshift(picture);
      expectWhole(shifted);
      expect(adjustedRand(shifted, expected(stored.quickshift.labels)), `${source}: quickshift`).toBeGreaterThanOrEqual(0.99);
      expect(boundaryF(shifted, expected(stored.quickshift.labels)), `${source}: quickshift`).toBeGreaterThanOrEqual(0.99);
      for (const {n_segments, labels, grid_rand, grid_boundary_f} of stored.slic) {
        const clustered = slic(picture, {numSegments: n_segments});
        expectWhole(clustered);
        expect(adjustedRand(clustered, expected(labels)), `${source}: slic`).toBeGreaterThanOrEqual(0.95);
        expect(boundaryF(clustered, expected(labels)), `${source}: slic`).toBeGreaterThanOrEqual(0.97);
        // The measures themselves, and the tiles, against the stored figures.
        const tiles = gridSegments(height, width, {numSegments: clustered.numSegments});
        expect(adjustedRand(expected(labels), tiles)).toBeCloseTo(grid_rand, 3);
        expect(boundaryF(expected(labels), tiles)).toBeCloseTo(grid_boundary_f, 3);
      }
    }
  });
});

describe('Lab', () => {
  it('knows white, black and the primaries', () => {
    // Published values for sRGB, D65, rounded.
    const image = {data: Uint8Array.of(255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255), height: 1, width: 5};
    const expected = [100, 0, 0, 0, 0, 0, 53.24, 80.09, 67.2, 87.73, -86.18, 83.18, 32.3, 79.19, -107.86];
    expectClose(toLab('image', image).data, expected, {abs: 0.02}, 'Lab');
  });

  it('takes grey as equal colours and ignores alpha', () => {
    const grey = toLab('image', {data: Uint8Array.of(10, 200), height: 1, width: 2}).data;
    expect(toLab('image', {data: Uint8Array.of(10, 10, 10, 200, 200, 200), height: 1, width: 2}).data).toEqual(grey);
    expect(toLab('image', {data: Uint8Array.of(10, 10, 10, 0, 200, 200, 200, 9), height: 1, width: 2}).data).toEqual(grey);
  });

  it('stretches the range of all colours, alpha apart', () => {
    const stretched = toLab('image', {data: Uint8Array.of(50, 50, 50, 255, 100, 100, 100, 0), height: 1, width: 2}, true).data;
    expectClose(stretched, [0, 0, 0, 100, 0, 0], {abs: 0.02}, 'stretched');
    expectClose(toLab('image', {data: Uint8Array.of(7, 7), height: 1, width: 2}, true).data, [0, 0, 0, 0, 0, 0], {abs: 0.02}, 'flat');
  });
});

describe.each([
  // Without the limit, the densest pixel of a small area climbs across its border.
  ['quickshift', (image: DecodedImage) => quickshift(image, {maxDistance: 15})],
  ['slic', (image: DecodedImage) => slic(image, {numSegments: 12})],
])('%s', (_, cut) => {
  it('keeps to the borders of flat colours, on an image that is not square', () => {
    const image = quarters();
    const before = image.data.slice();
    const segments = cut(image);
    expectWhole(segments);
    const colours = Array.from({length: segments.numSegments}, () => new Set<number>());
    segments.labels.forEach((label, pixel) => colours[label]!.add(quarterOf(pixel, image.width)));
    for (const colour of colours) expect(colour.size).toBe(1);
    expect(segments.numSegments).toBeGreaterThanOrEqual(4);
    expect(segments.numSegments).toBeLessThan(40);
    expect(image.data).toEqual(before);
  });

  it('cuts a flat picture into segments, not into pixels', () => {
    const segments = cut({data: new Uint8Array(28 * 28).fill(90), height: 28, width: 28});
    expectWhole(segments);
    expect(segments.numSegments).toBeLessThan(28);
  });

  it('takes pictures of a single row, column or pixel', () => {
    const random = new Random(5);
    for (const [height, width] of [
      [1, 40],
      [40, 1],
      [1, 1],
    ] as const) {
      expectWhole(cut({data: Uint8Array.from({length: height * width * 4}, () => random.int(256)), height, width}));
    }
  });

  it('gives the same segments twice', () => {
    expect(cut(quarters())).toEqual(cut(quarters()));
  });
});

describe('quickshift', () => {
  it('makes more segments of a smaller kernel, and of a short climb', () => {
    const random = new Random(6);
    const image = {data: Uint8Array.from({length: 40 * 50 * 3}, () => random.int(256)), height: 40, width: 50};
    const {numSegments} = quickshift(image);
    expect(quickshift(image, {kernelSize: 2}).numSegments).toBeGreaterThan(numSegments);
    expect(quickshift(image, {maxDistance: 0}).numSegments).toBe(40 * 50);
  });

  it('refuses options out of range', () => {
    expect(() => quickshift(quarters(), {kernelSize: 0})).toThrow(/quickshift: kernelSize/);
    expect(() => quickshift(quarters(), {ratio: 1.5})).toThrow(/ratio/);
    expect(() => quickshift(quarters(), {maxDistance: -1})).toThrow(RangeError);
    expect(() => quickshift({data: new Uint8Array(5), height: 2, width: 2})).toThrow(/quickshift: image/);
  });
});

describe('slic', () => {
  it('makes square segments where the place counts for all', () => {
    const random = new Random(7);
    const image = {data: Uint8Array.from({length: 40 * 60 * 3}, () => random.int(256)), height: 40, width: 60};
    const grid = gridSegments(40, 60, {rows: 4, columns: 6});
    const square = adjustedRand(slic(image, {numSegments: 24, compactness: 1e4}), grid);
    expect(square).toBeGreaterThan(0.7);
    expect(adjustedRand(slic(image, {numSegments: 24}), grid)).toBeLessThan(square / 2);
  });

  it('refuses options out of range', () => {
    expect(() => slic(quarters(), {numSegments: 0})).toThrow(/slic: numSegments/);
    expect(() => slic(quarters(), {compactness: 0})).toThrow(/compactness/);
    expect(() => slic(quarters(), {numIterations: 1.5})).toThrow(/numIterations/);
  });
});

describe('gridSegments', () => {
  it('cuts rectangles that differ by a pixel at most', () => {
    const {labels, numSegments} = gridSegments(3, 5, {rows: 2, columns: 2});
    expect([...labels]).toEqual([0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
    expect(numSegments).toBe(4);
  });

  it('makes about as many nearly square cells as asked for', () => {
    expect(gridSegments(224, 224).numSegments).toBe(64);
    expect(gridSegments(20, 80, {numSegments: 16}).numSegments).toBe(16);
    expect(gridSegments(2, 3, {numSegments: 500}).numSegments).toBe(6);
  });

  it('refuses more rows than pixels', () => {
    expect(() => gridSegments(4, 4, {rows: 5, columns: 1})).toThrow(/gridSegments: rows/);
    expect(() => gridSegments(0, 4)).toThrow(/height/);
  });
});

describe('relabelSegments', () => {
  it('renames labels in the order of their values, and leaves 0 … n−1 alone', () => {
    const map = {labels: [7, 7, -2, 9], height: 2, width: 2};
    expect(relabelSegments(map)).toEqual({labels: Int32Array.of(1, 1, 0, 2), height: 2, width: 2, numSegments: 3});
    expect(map.labels).toEqual([7, 7, -2, 9]);
    expect([...relabelSegments({labels: Int32Array.of(2, 0, 1), height: 1, width: 3}).labels]).toEqual([2, 0, 1]);
  });

  it('refuses what is no label map', () => {
    expect(() => relabelSegments({labels: [0.5], height: 1, width: 1})).toThrow(
      'relabelSegments: map: labels[0] must be a whole number, but is 0.5.',
    );
    expect(() => relabelSegments({labels: [0, 1, 2], height: 2, width: 2})).toThrow(/height · width = 4/);
    expect(() => relabelSegments(null as never)).toThrow(TypeError);
  });
});
