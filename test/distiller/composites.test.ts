/** Two pictures in one. */
import '../helpers/use-wasm.js';
import {tensor4d} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {composites} from '../../src/distiller/train/composites.js';
import {expectNoLeak} from '../helpers/expect.js';

const [HEIGHT, WIDTH] = [21, 33];

/** Images whose pixels say whose they are, and their row and column as shares of the way. */
const places = (count: number): ReturnType<typeof tensor4d> =>
  tensor4d(
    Array.from({length: count}, (_, image) =>
      Array.from({length: HEIGHT}, (_row, row) =>
        Array.from({length: WIDTH}, (_column, column) => [image + 1, row / (HEIGHT - 1), column / (WIDTH - 1)]),
      ),
    ),
  );

type Pixels = readonly (readonly (readonly number[])[])[];

/** Where another image's pixels begin, and along which side; `undefined` in an image that is one. */
function cutOf(image: Pixels): {side: 'row' | 'column'; at: number} | undefined {
  const owners = image.map((row) => row.map(([owner]) => Math.round(owner!)));
  const [inRow, inColumn] = [owners[0]!.findIndex((owner) => owner !== owners[0]![0]), owners.findIndex((row) => row[0] !== owners[0]![0])];
  if (inRow === -1 && inColumn === -1) return undefined;
  expect(Math.min(inRow, inColumn)).toBe(-1);
  const [side, at] = inRow === -1 ? (['row', inColumn] as const) : (['column', inRow] as const);
  // Each part is one image's, to its last pixel.
  const expected = owners.map((row, r) => row.map((_, c) => ((side === 'row' ? r : c) < at ? owners[0]![0] : owners.at(-1)!.at(-1))));
  expect(owners).toEqual(expected);
  return {side, at};
}

it('puts two whole images into one, each squeezed into its part', () =>
  expectNoLeak(async () => {
    const batch = places(40);
    const mixed = composites(batch, 1, new Random(3));
    const images = (await mixed.array()) as Pixels[];
    const sides = new Set<string>();
    const partners = new Set<number>();
    images.forEach((image, index) => {
      const cut = cutOf(image)!;
      sides.add(cut.side);
      const line = cut.side === 'row' ? image.map((row) => row[4]!) : image[4]!;
      const shares = line.map((pixel) => pixel[cut.side === 'row' ? 1 : 2]!);
      const length = line.length;
      expect(cut.at / length).toBeGreaterThan(0.25);
      expect(cut.at / length).toBeLessThan(0.75);
      // From its first to its last pixel, evenly, in either part; half a pixel is lost at the cut.
      const parts = [shares.slice(0, cut.at), shares.slice(cut.at)];
      for (const part of parts) {
        const step = (part.at(-1)! - part[0]!) / (part.length - 1);
        part.forEach((share, place) => expect(share).toBeCloseTo(part[0]! + place * step, 4));
        expect(part[0]!).toBeGreaterThanOrEqual(0);
        expect(part.at(-1)!).toBeLessThanOrEqual(1);
      }
      expect(parts[0]![0]).toBeCloseTo(0, 5);
      expect(parts[0]!.at(-1)!).toBeGreaterThan(0.9);
      expect(parts[1]![0]!).toBeLessThan(0.1);
      expect(parts[1]!.at(-1)).toBeCloseTo(1, 5);
      // The other side keeps its length.
      const across = cut.side === 'row' ? image[4]!.map((pixel) => pixel[2]!) : image.map((row) => row[4]![1]!);
      across.forEach((share, place) => expect(share).toBeCloseTo(place / (across.length - 1), 4));
      const owners = [line[0]![0]!, line.at(-1)![0]!].map((owner) => Math.round(owner) - 1);
      expect(owners).toContain(index);
      partners.add(owners.find((owner) => owner !== index)!);
    });
    expect(sides).toEqual(new Set(['row', 'column']));
    expect(partners.size).toBeGreaterThan(15);
    batch.dispose();
    mixed.dispose();
  }));

it('does so to the share of them that is asked for, and leaves the others as they are', () =>
  expectNoLeak(async () => {
    const batch = places(200);
    const mixed = composites(batch, 0.25, new Random(11));
    const [before, after] = [await batch.data(), await mixed.data()];
    const size = HEIGHT * WIDTH * 3;
    let changed = 0;
    for (let image = 0; image < 200; image++) {
      const distances = Array.from({length: size}, (_, place) => Math.abs(after[image * size + place]! - before[image * size + place]!));
      if (Math.max(...distances) > 1e-4) changed++;
    }
    expect(changed).toBeGreaterThan(30);
    expect(changed).toBeLessThan(70);
    batch.dispose();
    mixed.dispose();
  }));

it('draws the same with the same seed, another with another', () =>
  expectNoLeak(async () => {
    const batch = places(6);
    const drawn = [5, 5, 6].map((seed) => composites(batch, 1, new Random(seed)));
    const [first, again, other] = await Promise.all(drawn.map(async (each) => [...(await each.data())]));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    for (const each of [batch, ...drawn]) each.dispose();
  }));

it.each([
  ['of a batch of one image', 1, 1],
  ['where the share is 0', 3, 0],
])('changes nothing %s', (_, count, share) =>
  expectNoLeak(async () => {
    const batch = places(count);
    const mixed = composites(batch, share, new Random(1));
    expect([...(await mixed.data())]).toEqual([...(await batch.data())]);
    batch.dispose();
    mixed.dispose();
  }),
);
