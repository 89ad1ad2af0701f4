import {add, memory, mul, scalar, slice, squeeze, sum, tensor1d, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import type {Target} from '../../src/core/types.js';
import {valuesOf} from '../../src/models/target-values.js';
import {checkTarget, columnOf, isTargetFn, resolveSingleTargets, resolveTargets} from '../../src/models/targets.js';
import {expectNoLeak} from '../helpers/expect.js';

const three = {values: Float32Array.of(0.25, 0.5, 0.25, 0.75, 0, 0.25), numClasses: 3};
const two = {values: Float32Array.of(0.25, 0.75), numClasses: 2};
const ofClass =
  (index: number) =>
  (logits: Tensor2D): Tensor1D =>
    squeeze(slice(logits, [0, index], [-1, 1]), [1]);

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

  it('takes a class for each image, counted from the first of the batch', () => {
    expect(resolveTargets('rise', {perImage: [2, 0]}, three)).toEqual([[{target: 2, score: 0.25}], [{target: 0, score: 0.75}]]);
    expect(resolveTargets('rise', {perImage: [0, 0, 1, 2]}, three, 2)).toEqual([[{target: 1, score: 0.5}], [{target: 2, score: 0.25}]]);
  });

  it('takes a side of two classes', () => {
    expect(resolveTargets('rise', {kind: 'binary', positive: true}, two)).toEqual([[{target: 1, score: 0.75}]]);
    expect(resolveTargets('rise', {kind: 'binary', positive: false}, two)).toEqual([[{target: 0, score: 0.25}]]);
  });

  it('takes the values of a function as they are, under the class −1', () => {
    const values = {values: Float32Array.of(-3, 5), numClasses: 1};
    expect(resolveTargets('rise', ofClass(0), values)).toEqual([[{target: -1, score: -3}], [{target: -1, score: 5}]]);
  });

  it('gives one number per image where only one is asked for', () => {
    expect(resolveSingleTargets('drop', 'argmax', three)).toEqual([
      {target: 1, score: 0.5},
      {target: 0, score: 0.75},
    ]);
    expect(resolveSingleTargets('drop', {perImage: [2, 2]}, three).map(({target}) => target)).toEqual([2, 2]);
  });

  it.each<[string, Target, RegExp]>([
    ['a class that does not exist', 3, /^rise: target must be a whole number from 0 to 2, but is 3/],
    ['a wrong class among several', [0, 7], /^rise: target\[1\] must be a whole number from 0 to 2, but is 7/],
    ['a wrong class of one image', {perImage: [0, 7]}, /^rise: target\.perImage\[1\] must be a whole number from 0 to 2, but is 7/],
    [
      'a side of three classes',
      {kind: 'binary', positive: true},
      /from 0 to 2: sides are for models with one output or two classes, but this one has 3/,
    ],
  ])('refuses %s', (_, target, message) => {
    expect(() => resolveTargets('rise', target, three)).toThrow(message);
    expect(() => resolveTargets('rise', target, three)).toThrow(RangeError);
  });
});

describe('checkTarget', () => {
  it.each<[string, Target | undefined]>([
    ['nothing', undefined],
    ['the highest score', 'argmax'],
    ['a class', 3],
    ['several', [3, 0]],
    ['a class for each image', {perImage: [0, 9]}],
    ['a side', {kind: 'binary', positive: false}],
    ['a function', ofClass(1)],
    ['a contrast', contrast(0, 1)],
  ])('lets pass %s', (_, target) => {
    expect(() => checkTarget('rise', target, 2)).not.toThrow();
  });

  it.each<[string, unknown, RegExp]>([
    ['a class below 0', -1, /^rise: target must be .*, but is -1/],
    ['a class that is not whole', 0.5, /but is 0\.5/],
    ['a class that is no number', NaN, /but is NaN/],
    ['an empty list', [], /^rise: target must be .*, but is \[\]/],
    [
      'another number of classes than images',
      {perImage: [0]},
      /target\.perImage must be one class for each image, but there are 1 for 2 images/,
    ],
    ['a wrong class of one image', {perImage: [0, -1]}, /^rise: target must be /],
    ['a side without a sign', {kind: 'binary'}, /^rise: target must be /],
  ])('refuses %s as a wrong value', (_, target, message) => {
    expect(() => checkTarget('rise', target as Target, 2)).toThrow(message);
    expect(() => checkTarget('rise', target as Target, 2)).toThrow(RangeError);
  });

  it.each([
    ['nothing at all', null],
    ['a class as a word', ['1']],
    ['another kind', {kind: 'both'}],
    ['a promise', Promise.resolve(1)],
    ['a truth', true],
  ])('refuses %s as the wrong kind', (_, target) => {
    expect(() => checkTarget('rise', target as never, 2)).toThrow(TypeError);
    expect(() => checkTarget('rise', target as never, 2)).toThrow(/^rise: target/);
  });
});

describe('where a target stands', () => {
  it('is its class, or the one column of a function', () => {
    expect([0, 5, -1].map((target) => columnOf({target}))).toEqual([0, 5, 0]);
    expect([ofClass(0), 'argmax', 3, [1], undefined].map((target) => isTargetFn(target as Target))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('a target that is a function of the logits', () => {
  const scores = {values: Float32Array.of(1, 4, 9, 2, 6, 5), numClasses: 3};

  it('gives one value per image, of the logits that it gets', async () => {
    await expectNoLeak(async () => {
      expect(await valuesOf('rise', ofClass(2), scores)).toEqual({values: Float32Array.of(9, 5), numClasses: 1});
      expect((await valuesOf('rise', contrast(2, 0), scores)).values).toEqual(Float32Array.of(8, 3));
      const weighted = (logits: Tensor2D): Tensor1D => sum(mul(logits, [[1, 10, 100]]), 1);
      expect((await valuesOf('rise', weighted, scores)).values).toEqual(Float32Array.of(941, 562));
      expect([...scores.values]).toEqual([1, 4, 9, 2, 6, 5]);
    });
  });

  it.each<[string, (logits: Tensor2D) => unknown, RegExp, typeof TypeError | typeof RangeError]>([
    ['no tensor', () => [1, 2], /must return a tensor \[N\], one value per image, but returned \[1, 2\]/, TypeError],
    ['a promise', async () => tensor1d([1, 2]), /but returned a promise/, TypeError],
    ['one number for all', (logits) => sum(logits), /but returned Tensor of shape \[\] for 2 images/, RangeError],
    ['the logits themselves', (logits) => add(logits, scalar(1)), /but returned Tensor of shape \[2, 3\] for 2 images/, RangeError],
    ['another number of values', () => tensor1d([1, 2, 3]), /but returned Tensor of shape \[3\] for 2 images/, RangeError],
    ['an infinite value', () => tensor1d([1, Infinity]), /must return finite values, but returned Infinity for image 1/, RangeError],
    ['what is no number', () => tensor1d([NaN, 1]), /must return finite values, but returned NaN for image 0/, RangeError],
  ])('must not return %s', async (_, target, message, kind) => {
    const result = valuesOf('rise', target as never, scores);
    await expect(result).rejects.toThrow(message);
    await expect(result).rejects.toThrow(kind);
  });

  it('leaves no tensor where it throws or returns nonsense', async () => {
    const before = memory().numTensors;
    for (const target of [(logits: Tensor2D) => sum(logits), () => [1], () => tensor1d([NaN, 1])])
      await expect(valuesOf('rise', target as never, scores)).rejects.toThrow();
    const failing = (logits: Tensor2D): Tensor1D => {
      add(logits, 1);
      throw new Error('of the caller');
    };
    await expect(valuesOf('rise', failing, scores)).rejects.toThrow('of the caller');
    expect(memory().numTensors).toBe(before);
  });
});
