import {describe, expect, it} from 'vitest';
import type {Target} from '../../src/core/types.js';
import {resolveTargets} from '../../src/models/targets.js';

const three = {values: Float32Array.of(0.25, 0.5, 0.25, 0.75, 0, 0.25), numClasses: 3};
const two = {values: Float32Array.of(0.25, 0.75), numClasses: 2};

describe('resolveTargets', () => {
  it('takes the highest score of each image by default, the first of equals', () => {
    const expected = [[{target: 1, score: 0.5}], [{target: 0, score: 0.75}]];
    expect(resolveTargets('rise', undefined, three)).toEqual(expected);
    expect(resolveTargets('rise', 'argmax', three)).toEqual(expected);
    expect(resolveTargets('rise', 'argmax', {values: Float32Array.of(0.5, 0.5), numClasses: 2})).toEqual([[{target: 0, score: 0.5}]]);
  });

  it('takes one class or several, in the order given', () => {
    expect(resolveTargets('rise', 2, three)).toEqual([[{target: 2, score: 0.25}], [{target: 2, score: 0.25}]]);
    expect(resolveTargets('rise', [2, 0], three)[1]).toEqual([
      {target: 2, score: 0.25},
      {target: 0, score: 0.75},
    ]);
  });

  it('takes a side of two classes', () => {
    expect(resolveTargets('rise', {kind: 'binary', positive: true}, two)).toEqual([[{target: 1, score: 0.75}]]);
    expect(resolveTargets('rise', {kind: 'binary', positive: false}, two)).toEqual([[{target: 0, score: 0.25}]]);
  });

  it.each<[string, Target, RegExp]>([
    ['a class that does not exist', 3, /^rise: target must be a whole number from 0 to 2, but is 3/],
    ['a class below 0', -1, /from 0 to 2, but is -1/],
    ['a class that is not whole', 0.5, /but is 0.5/],
    ['a wrong class among several', [0, 7], /target\[1\] must be a whole number from 0 to 2, but is 7/],
    ['an empty list', [], /at least one class from 0 to 2, but is an empty list/],
    [
      'a side of three classes',
      {kind: 'binary', positive: true},
      /from 0 to 2: sides are for models with one output or two classes, but this one has 3/,
    ],
    ['another kind', {kind: 'both'} as never, /must be one of 'binary', but is "both"/],
  ])('refuses %s', (_, target, message) => {
    expect(() => resolveTargets('rise', target, three)).toThrow(message);
    expect(() => resolveTargets('rise', target, three)).toThrow(RangeError);
  });

  it.each([
    ['a word', 'best'],
    ['nothing', null],
    ['a class as a word', ['1']],
    ['a side without a sign', {kind: 'binary'}],
  ])('refuses %s as the wrong kind', (_, target) => {
    expect(() => resolveTargets('rise', target as never, two)).toThrow(TypeError);
  });
});
