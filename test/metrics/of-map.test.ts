import {zeros} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {energyInside} from '../../src/metrics/of-map/energy-inside.js';
import {entropy} from '../../src/metrics/of-map/entropy.js';
import {giniSparseness} from '../../src/metrics/of-map/gini-sparseness.js';
import {evidenceShare} from '../../src/metrics/of-map/evidence-share.js';
import {pointingGame} from '../../src/metrics/of-map/pointing-game.js';
import {meanIntensity} from '../../src/metrics/of-map/mean-intensity.js';
import {rankCorrelation} from '../../src/metrics/of-map/rank-correlation.js';
import {regionMask, type Region} from '../../src/metrics/of-map/region.js';
import {expectClose} from '../helpers/expect.js';

/** A map of 4 rows and 6 columns with the given values at [row, column]. */
function plane(points: [row: number, column: number, value: number][], rest = 0): {data: Float32Array; height: number; width: number} {
  const data = new Float32Array(24).fill(rest);
  for (const [row, column, value] of points) data[row * 6 + column] = value;
  return {data, height: 4, width: 6};
}

const marked = (region: Region): number[] =>
  [...regionMask('test', region, plane([])).entries()].filter(([, inside]) => inside).map(([pixel]) => pixel);

describe('giniSparseness', () => {
  it('is 0 for a flat map and 1 − 1/n for a single pixel', () => {
    expect(giniSparseness({data: new Float32Array(50).fill(0.3)})).toBe(0);
    expect(giniSparseness({data: [0, 0, 0, 0, 7]})).toBeCloseTo(0.8, 12);
    expect(giniSparseness({data: [3]})).toBe(0);
  });

  it('ignores signs, factors and order', () => {
    // Σ (2i − n − 1)·a = −3·1 − 1·2 + 1·3 + 3·4 = 10, over 4 · 10.
    for (const data of [
      [1, 2, 3, 4],
      [4, -1, 3, -2],
      [20, 10, 40, 30],
    ])
      expect(giniSparseness({data})).toBeCloseTo(0.25, 12);
  });

  it('gives a map of zeros 0, and refuses NaN and nothing', () => {
    expect(giniSparseness({data: [0, 0]})).toBe(0);
    expect(() => giniSparseness({data: [1, NaN]})).toThrow('giniSparseness: map must have finite values, but is NaN at index 1');
    expect(() => giniSparseness({data: []})).toThrow(RangeError);
  });
});

describe('entropy', () => {
  it('is ln n for a flat map and 0 for a single pixel, in nats', () => {
    expect(entropy({data: new Float32Array(50).fill(0.3)})).toBeCloseTo(Math.log(50), 12);
    expect(entropy({data: [0, 0, -5]})).toBe(0);
    expect(entropy({data: [2, -1, 1]})).toBeCloseTo(1.5 * Math.LN2, 12);
  });

  it('takes a map of zeros as even, and refuses infinities', () => {
    expect(entropy({data: [0, 0, 0]})).toBeCloseTo(Math.log(3), 12);
    expect(() => entropy({data: [Infinity]})).toThrow(/entropy: .* is Infinity/);
  });
});

describe('metrics of a map alone', () => {
  const map = plane([[0, 0, 1]]);
  it.each<[string, (map: never) => unknown]>([
    ['pointingGame', (wrong) => pointingGame(wrong, [[0, 0, 1, 1]])],
    ['energyInside', (wrong) => energyInside(wrong, [[0, 0, 1, 1]])],
    ['evidenceShare', (wrong) => evidenceShare(wrong, [true])],
    ['giniSparseness', giniSparseness],
    ['entropy', entropy],
    ['meanIntensity', meanIntensity],
  ])('%s takes one map, not a list of maps, a tensor or a promise', (name, run) => {
    const gone = zeros([4, 6]);
    gone.dispose();
    for (const [wrong, message] of [
      [[map, map], 'map must be one map, but is [Object, Object]: take one of them, such as the first, [0].'],
      [zeros([4, 6]), 'map must be {data}, but is Tensor of shape [4, 6]: pass {data: await tensor.data()}.'],
      [gone, 'map must be {data}, but is a disposed Tensor of shape [4, 6]: pass'],
      [Promise.resolve(map), 'map must be {data} with a list of numbers, but is a promise (await it first).'],
      [null, 'map must be {data} with a list of numbers, but is null.'],
      [{...map, data: ['a']}, 'map.data[0] must be a number, but is "a".'],
    ] as const) {
      expect(() => run(wrong as never)).toThrow(TypeError);
      expect(() => run(wrong as never)).toThrow(`${name}: ${message}`);
    }
  });
});

describe('regionMask', () => {
  it('holds the pixels whose centre is in a box', () => {
    expect(marked([[0, 0, 1, 1]])).toHaveLength(24);
    expect(marked([[1 / 6, 0.25, 0.5, 0.75]])).toEqual([7, 8, 13, 14]);
    expect(marked([[0.3, 0, 0.7, 0.2]])).toEqual([2, 3]);
    expect(marked([[0.2, 0.3, 0.45, 0.6]])).toEqual([7, 8]); // Centres at 1.5 and 2.5 of 6, between 1.2 and 2.7.
    expect(
      marked([
        [0, 0, 0.1, 0.3],
        [0.95, 0.8, 1, 1],
      ]),
    ).toEqual([0, 23]);
  });

  it('is never empty for a box with an area, however small', () => {
    expect(marked([[0.999, 0.999, 1, 1]])).toEqual([23]);
    expect(marked([[0.001, 0.5, 0.002, 0.51]])).toEqual([12]);
  });

  it('takes masks of booleans or numbers', () => {
    expect(marked(Array.from({length: 24}, (_, pixel) => pixel === 5))).toEqual([5]);
    expect(marked(Float32Array.from({length: 24}, (_, pixel) => (pixel > 21 ? 0.5 : 0)))).toEqual([22, 23]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no boxes', [], /one entry per pixel, but has 0/],
    ['an empty mask', new Uint8Array(24), /mark at least one pixel/],
    ['another size', new Uint8Array(23).fill(1), /has 23 for 24 pixels/],
    ['a turned box', [[0.5, 0, 0.1, 1]], /left < right and top < bottom, but is \[0.5, 0, 0.1, 1\]/],
    ['pixels instead of fractions', [[0, 0, 3, 3]], /from 0 to 1, but is 3/],
    ['three sides', [[0, 0, 1]], /must be \[left, top, right, bottom\]/],
    ['no region', undefined, /^test: region must be boxes .* but is undefined/],
    ['a mask of texts', new Array(24).fill('no'), /^test: region\[0\] must be true, false or a number, but is "no"/],
    ['a box among numbers', [[0, 0, 1, 1], 5], /^test: region\[1\] must be \[left, top, right, bottom\], but is 5/],
  ])('refuses %s', (_, region, message) => {
    expect(() => regionMask('test', region as Region, plane([]))).toThrow(message);
  });
});

describe('pointingGame', () => {
  const left: Region = [[0, 0, 1 / 3, 1]];

  it('hits when the peak is inside, at the very edge too', () => {
    expect(pointingGame(plane([[3, 1, 5]]), left)).toEqual({hit: 1, peaks: 1, inside: 1});
    expect(pointingGame(plane([[3, 2, 5]]), left)).toEqual({hit: 0, peaks: 1, inside: 0});
    expect(pointingGame(plane([[0, 0, -1]], -2), left).hit).toBe(1);
  });

  it('counts the share of equal peaks that lies inside, and says how many there are', () => {
    expect(
      pointingGame(
        plane([
          [0, 5, 5],
          [1, 1, 5],
          [2, 5, 5],
        ]),
        left,
      ),
    ).toEqual({hit: 1 / 3, peaks: 3, inside: 1});
  });

  it('allows a distance, measured round', () => {
    const map = plane([[3, 3, 1]]); // two columns right of the region
    expect([0, 1.99, 2].map((tolerance) => pointingGame(map, left, {tolerance}).hit)).toEqual([0, 0, 1]);
    const corner: Region = [[0, 0, 1 / 6, 0.25]];
    expect([1, 1.5].map((tolerance) => pointingGame(plane([[1, 1, 1]]), corner, {tolerance}).hit)).toEqual([0, 1]);
  });

  it('agrees with distances to every marked pixel', () => {
    const random = new Random(3);
    for (const tolerance of [0, 1, 1.5, 2.3, 4, 1e9]) {
      const mask = Uint8Array.from({length: 24}, () => (random.next() < 0.1 ? 1 : 0));
      mask[random.int(24)] = 1;
      const map = plane([]);
      map.data.forEach((_, pixel) => (map.data[pixel] = random.next() < 0.6 ? 1 : 0));
      map.data.set([0, 1]);
      const isNear = (pixel: number): boolean =>
        [...mask.entries()].some(
          ([at, inside]) => inside === 1 && Math.hypot(Math.floor(at / 6) - Math.floor(pixel / 6), (at % 6) - (pixel % 6)) <= tolerance,
        );
      const peaks = [...map.data.keys()].filter((pixel) => map.data[pixel] === 1);
      const inside = peaks.filter(isNear).length;
      expect(pointingGame(map, mask, {tolerance})).toEqual({hit: inside / peaks.length, peaks: peaks.length, inside});
    }
  });

  it('is not won by a flat map', () => {
    expect(pointingGame(plane([], 1), left)).toEqual({hit: 0, peaks: 0, inside: 0});
  });

  it('refuses NaN, a wrong size and a negative distance', () => {
    expect(() => pointingGame(plane([[0, 0, NaN]]), left)).toThrow(/NaN at index 0/);
    expect(() => pointingGame({...plane([]), width: 5}, left)).toThrow(/has 24 for 4×5/);
    expect(() => pointingGame(plane([]), left, {tolerance: -1})).toThrow(RangeError);
  });
});

describe('energyInside', () => {
  it('is the share of the positive mass', () => {
    const map = plane([
      [0, 0, 3],
      [0, 1, -8],
      [2, 2, 1],
      [3, 5, 4],
    ]);
    expect(energyInside(map, [[0, 0, 0.5, 1]])).toEqual({share: 0.5, areaShare: 0.5, ratio: 1});
    expect(energyInside(map, [[0, 0, 0.5, 0.25]]).share).toBe(0.375);
    expect(energyInside(plane([], -1), [[0, 0, 0.5, 1]])).toEqual({share: 0, areaShare: 0.5, ratio: 0});
  });

  it('equals evidenceShare where nothing is negative', () => {
    const map = plane(
      [
        [1, 1, 0.3],
        [2, 4, 0.9],
      ],
      0.1,
    );
    const mask = Uint8Array.from({length: 24}, (_, pixel) => (pixel % 6 < 2 ? 1 : 0));
    expect(energyInside(map, mask)).toEqual(evidenceShare(map, mask));
  });
});

describe('rankCorrelation', () => {
  it('knows order only', () => {
    expect(rankCorrelation([1, 2, 3, 4, 5], [1, 8, 27, 64, 125])).toBe(1);
    expect(rankCorrelation([1, 2, 3, 4, 5], [9, 7, 5, 0, -Infinity])).toBe(-1);
    // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) = 0.8207826816681233
    expect(rankCorrelation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
  });

  it('shares ranks between equal values: 0.5 for −1, 1, 1 and 0, 0, 2', () => {
    expect(rankCorrelation([-1, 1, 1], [0, 0, 2])).toBeCloseTo(0.5, 12);
    // The order of the pairs changes nothing.
    expect(rankCorrelation([1, -1, 1], [2, 0, 0])).toBeCloseTo(0.5, 12);
  });

  it('is undefined for equal values, and refuses other lengths and NaN', () => {
    expect(rankCorrelation([1, 1], [1, 2])).toBeNaN();
    expect(() => rankCorrelation([1, 2], [1])).toThrow(/have 2 and 1/);
    expect(() => rankCorrelation([1, NaN], [1, 2])).toThrow(RangeError);
    expect(() => rankCorrelation([1, 2], {length: 2} as never)).toThrow('rankCorrelation: right must be');
  });

  it('is exact on maps of the size of an image', () => {
    const data = Float32Array.from({length: 224 * 224}, (_, pixel) => (pixel * 7919) % 1013);
    expectClose(
      [
        rankCorrelation(
          data,
          data.map((value) => -value * value),
        ),
      ],
      [-1],
      {abs: 1e-12},
    );
  });
});
