/** Imputed pixels against a dense solution of the same system. */
import {atOnce} from '../../src/core/in-turns.js';
import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {IMPUTE_TOLERANCE, imputePixels, rangeOf} from '../../src/queries/impute.js';
import {expectClose} from '../helpers/expect.js';

type Size = readonly [height: number, width: number, channels: number];

/** Solves for one channel by Gauss–Jordan elimination. */
function dense(values: ArrayLike<number>, hidden: ArrayLike<number>, [height, width, channels]: Size, channel: number): number[] {
  const unknown = Array.from({length: height * width}, (_, pixel) => pixel).filter((pixel) => hidden[pixel] === 1);
  const rows = unknown.map((pixel) => {
    const row = new Array<number>(unknown.length + 1).fill(0);
    for (const [dy, dx] of [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => [y, x] as const))) {
      const [y, x] = [Math.floor(pixel / width) + dy, (pixel % width) + dx];
      if ((dy === 0 && dx === 0) || y < 0 || x < 0 || y >= height || x >= width) continue;
      const weight = dy === 0 || dx === 0 ? 1 / 6 : 1 / 12;
      const other = y * width + x;
      row[unknown.indexOf(pixel)]! += weight;
      if (hidden[other] === 1) row[unknown.indexOf(other)]! -= weight;
      else row[unknown.length]! += weight * values[other * channels + channel]!;
    }
    return row;
  });
  rows.forEach((row, at) => {
    const pivot = row[at]!; // The matrix is diagonally dominant.
    rows[at] = row.map((value) => value / pivot);
    rows.forEach((other, index) => {
      if (index !== at) rows[index] = other.map((value, column) => value - other[at]! * rows[at]![column]!);
    });
  });
  return rows.map((row) => row.at(-1)!);
}

function range(values: ArrayLike<number>): number {
  const [low, high] = rangeOf(values);
  return high - low;
}

describe('imputePixels', () => {
  it.each<[string, Size, (y: number, x: number, random: Random) => boolean]>([
    ['single pixels', [6, 7, 3], (y, x) => (y + 2 * x) % 5 === 0],
    ['half of the pixels, by lot', [9, 12, 2], (_, __, random) => random.next() < 0.5],
    ['nearly all', [11, 10, 1], (y, x) => y !== 3 || x !== 7],
    ['a large hole', [13, 14, 3], (y, x) => Math.hypot(y - 6, x - 7) < 5.5],
    ['a border and a corner', [12, 9, 1], (y, x) => y > 6 || x < 2],
    ['a ring, and a line of known pixels', [12, 12, 1], (y, x) => Math.abs(Math.hypot(y - 6, x - 6) - 4) < 1.6 || x === 0],
    ['a row of pixels', [1, 17, 1], (_, x) => x > 2 && x < 12],
  ])('solves for %s', (_, size, isHidden) => {
    const [height, width, channels] = size;
    const random = new Random(5);
    const values = Float32Array.from({length: height * width * channels}, () => random.uniform(-2, 3));
    const hidden = Uint8Array.from({length: height * width}, (__, pixel) =>
      Number(isHidden(Math.floor(pixel / width), pixel % width, random)),
    );
    const kept = [...values];
    const found = atOnce(imputePixels(values, hidden, size));
    expect([...values]).toEqual(kept);
    for (let channel = 0; channel < channels; channel++) {
      const of = (from: ArrayLike<number>, which: number): number[] =>
        [...hidden.keys()].filter((pixel) => hidden[pixel] === which).map((pixel) => from[pixel * channels + channel]!);
      expect(of(found, 0)).toEqual(of(values, 0));
      expectClose(of(found, 1), dense(values, hidden, size, channel), {abs: IMPUTE_TOLERANCE * range(values)}, `channel ${channel}`);
    }
  });

  it('restores a slope, however large the hole, at the size of a network', () => {
    const [height, width, channels] = [224, 224, 3];
    const slope = (y: number, x: number, channel: number): number => (x * (channel + 1) - 2 * y) / 224;
    const values = Float32Array.from({length: height * width * channels}, (_, at) => {
      const pixel = Math.floor(at / channels);
      return slope(Math.floor(pixel / width), pixel % width, at % channels);
    });
    const hidden = Uint8Array.from({length: height * width}, (_, pixel) =>
      Number(Math.min(pixel % width, Math.floor(pixel / width)) > 9 && Math.max(pixel % width, Math.floor(pixel / width)) < 214),
    );
    const holes = values.map((value, at) => (hidden[Math.floor(at / channels)] === 1 ? 0 : value));
    expectClose(atOnce(imputePixels(holes, hidden, [height, width, channels])), values, {abs: IMPUTE_TOLERANCE * range(values)});
  });

  it('gives the mean colour where nothing is known, and the image where nothing is hidden', () => {
    const values = [1, 10, 2, 20, 3, 30, 6, 60];
    expect([...atOnce(imputePixels(values, [1, 1, 1, 1], [2, 2, 2]))]).toEqual([3, 30, 3, 30, 3, 30, 3, 30]);
    expect([...atOnce(imputePixels(values, [0, 0, 0, 0], [2, 2, 2]))]).toEqual(values);
    expect([...atOnce(imputePixels([4, 4, 4, 4], [1, 1, 0, 1], [2, 2, 1]))]).toEqual([4, 4, 4, 4]);
  });
});
