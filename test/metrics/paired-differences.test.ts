import {describe, expect, it} from 'vitest';
import {formatComparison} from '../../src/metrics/compare/format-comparison.js';
import {pairedDifferences} from '../../src/metrics/compare/paired-differences.js';
import type {ComparisonRow} from '../../src/metrics/compare/options.js';
import {meanOf} from '../../src/metrics/mean-of.js';

/** A row as `compare` makes it; `numbers` per image, under the image's index. */
function row(method: string, numbers: Readonly<Record<number, Readonly<Record<string, number>>>>): ComparisonRow {
  const perImage = Object.entries(numbers).map(([index, values]) => ({
    index: Number(index),
    target: 0,
    score: 1,
    explained: 0,
    empty: false,
    peaks: 1,
    seed: 0,
    values,
  }));
  const names = Object.keys(perImage[0]?.values ?? {});
  const values = Object.fromEntries(names.map((name) => [name, meanOf(perImage.map((image) => image.values[name]!))]));
  return {method, images: perImage.length, emptyMaps: 0, tiedMaps: 0, values, perImage};
}

const rise = row('RISE', {0: {insertion: 0.9, gini: 0.5}, 1: {insertion: 0.5, gini: 0.25}, 2: {insertion: 0.1, gini: 0.75}});

describe('pairedDifferences', () => {
  it('subtracts image by image: differences of −.1, −.2 and −.3', () => {
    const other = row('Grad-CAM', {0: {insertion: 0.8, gini: 0.5}, 1: {insertion: 0.3, gini: 0.25}, 2: {insertion: -0.2, gini: 0.75}});
    const [found, ...none] = pairedDifferences([other, rise], {reference: 'RISE'});
    expect(none).toEqual([]);
    expect(found).toMatchObject({method: 'Grad-CAM', reference: 'RISE', images: 3, values: {gini: {mean: 0, standardError: 0, images: 3}}});
    expect(found!.values['insertion']!.mean).toBeCloseTo(-0.2, 12);
    // The standard deviation is .1; that of either row alone is .4 and more.
    expect(found!.values['insertion']!.standardError).toBeCloseTo(0.1 / Math.sqrt(3), 12);
    expect(rise.values['insertion']!.standardError).toBeCloseTo(0.4 / Math.sqrt(3), 12);
  });

  it('takes the images that both have, matched by index', () => {
    const slow = row('slow', {2: {insertion: 0.3, gini: 1}, 0: {insertion: 1, gini: 0}});
    const one = row('one', {1: {insertion: 0.75, gini: 0.75}});
    const [first, second] = pairedDifferences([rise, slow, one], {reference: 'RISE'});
    expect(first).toMatchObject({method: 'slow', images: 2, values: {gini: {mean: -0.125, standardError: 0.375, images: 2}}});
    expect(first!.values['insertion']!.mean).toBeCloseTo(0.15, 12);
    expect(first!.values['insertion']!.standardError).toBeCloseTo(0.05, 12);
    expect(second).toMatchObject({method: 'one', images: 1, values: {gini: {mean: 0.5, standardError: NaN, images: 1}}});
    expect(pairedDifferences([rise, slow], {reference: 'slow'})[0]!.values['gini']!.mean).toBe(0.125);
  });

  it('leaves out what is not defined for both, and metrics that one lacks', () => {
    const holes = row('holes', {0: {gini: NaN, own: 1}, 1: {gini: 1, own: 1}, 2: {gini: 1, own: 1}});
    const [found] = pairedDifferences([rise, holes], {reference: 'RISE'});
    expect(found).toMatchObject({images: 3, values: {gini: {mean: 0.5, standardError: 0.25, images: 2}}});
    expect(Object.keys(found!.values)).toEqual(['gini']);
    const odd = ['__proto__', 'constructor'];
    const named = (method: string, value: number): ComparisonRow =>
      row(method, {0: Object.fromEntries(odd.map((name) => [name, value])) as Record<string, number>});
    const [strange] = pairedDifferences([named('a', 1), named('b', 3)], {reference: 'a'});
    expect(odd.map((name) => strange!.values[name]!.mean)).toEqual([2, 2]);
    expect(pairedDifferences([rise, row('plain', {0: {toString: 1} as never})], {reference: 'RISE'})[0]!.values).toEqual({});
  });

  it('is laid out as a table', () => {
    const [found] = pairedDifferences([rise, row('b', {0: {insertion: 0.8, gini: NaN}, 1: {insertion: 0.6, gini: 1}})], {
      reference: 'RISE',
    });
    expect(formatComparison([found!], {standardErrors: true, digits: 2}).split('\n').at(2)).toMatch(
      /^b +2 {2}-?0\.00 ± 0\.10 +0\.75 ± – \(1\)$/,
    );
  });

  it.each<[string, unknown, unknown, Error]>([
    ['no list', 'rows', {reference: 'RISE'}, new TypeError('pairedDifferences: rows must be what compare() gives, but is "rows".')],
    [
      'what is no row',
      [rise, {method: 'b', values: {}}],
      {reference: 'RISE'},
      new TypeError('pairedDifferences: rows[1] must be a row of compare(), but is Object.'),
    ],
    [
      'an unknown reference',
      [rise, row('b', {})],
      {reference: 'Rise'},
      new RangeError('pairedDifferences: reference must be one of the rows, "RISE", "b", but is "Rise".'),
    ],
    [
      'two of that name',
      [rise, rise],
      {reference: 'RISE'},
      new RangeError('pairedDifferences: reference must be one of the rows, "RISE", "RISE", but is "RISE".'),
    ],
    [
      'no rows',
      [],
      {reference: 'RISE'},
      new RangeError('pairedDifferences: reference must be one of the rows, of which there are none, but is "RISE".'),
    ],
    [
      'no common image',
      [rise, row('b', {3: {insertion: 1}})],
      {reference: 'RISE'},
      new RangeError('pairedDifferences: rows must have images in common with "RISE", but "b" has none.'),
    ],
    ['no reference', [rise], {}, new TypeError('pairedDifferences: reference must be a text, but is undefined.')],
    [
      'an unknown option',
      [rise],
      {refrence: 'RISE'},
      new TypeError("pairedDifferences: there is no option 'refrence'. Did you mean 'reference'?"),
    ],
  ])('refuses %s', (_, rows, options, error) => {
    expect(() => pairedDifferences(rows as never, options as never)).toThrow(error);
  });
});
