/** What every metric that asks a model takes, and what it refuses. */
import {
  mul,
  randomUniform,
  reshape,
  sum,
  tensor2d,
  tensor3d,
  tidy,
  zeros,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import type {SaliencyMap, ScoreFn} from '../../src/core/types.js';
import {
  compare,
  confidenceChange,
  defaultStepSize,
  deletionScore,
  formatComparison,
  insertionScore,
  muFidelity,
  pointingGame,
  type CompareOptions,
} from '../../src/metrics/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const image = (seed = 1): Tensor3D => randomUniform([6, 4, 3], -1, 1, 'float32', seed) as Tensor3D;
const map = {data: Float32Array.from({length: 24}, (_, pixel) => (pixel * 7) % 24), height: 6, width: 4};
function classifier(): LayersModel {
  const model = sequential({layers: [layers.flatten({inputShape: [6, 4, 3]}), layers.dense({units: 3, activation: 'softmax'})]});
  model.setWeights(model.getWeights().map((weight, index) => randomUniform(weight.shape, -0.5, 0.5, 'float32', index + 1)));
  return model;
}
const saliency = (change: Partial<SaliencyMap> = {}): SaliencyMap => ({
  ...map,
  target: 0,
  score: 1,
  method: 'm',
  seed: null,
  options: {},
  empty: false,
  ...change,
});

describe('metrics that ask a model', () => {
  it('take a GraphModel as they take the function of its predictions', async () => {
    const model = classifier();
    const graph = {predict: (batch: Tensor): Tensor => model.predict(batch) as Tensor, inputs: [{shape: [null, 6, 4, 3]}]};
    const x = image();
    const {curve} = await insertionScore(x, map, graph, {stepSize: 5});
    expectClose(curve, (await insertionScore(x, map, model, {stepSize: 5})).curve, {abs: 1e-6});
    expect((await deletionScore([x], [map], graph))[0]!.curve).toHaveLength(25);
    expect(await muFidelity(x, map, graph, {numSamples: 5})).toMatchObject({target: expect.any(Number) as number});
    expect(await confidenceChange(x, map, graph)).toMatchObject({base: expect.any(Number) as number});
    x.dispose();
  });

  it('watch a function of the logits: a contrast of two classes', async () => {
    // Logit 0 is the sum of the image, logit 1 half of it: their difference is half of the sum.
    const teacher = {
      name: 'sums',
      inputShape: [6, 4, 3] as const,
      numClasses: 2,
      logits: (batch: Tensor4D): Tensor2D => tidy(() => mul(reshape(sum(batch, [1, 2, 3]), [-1, 1]), tensor2d([[1, 0.5]])) as Tensor2D),
    };
    const x = tensor3d(new Float32Array(72).fill(1), [6, 4, 3]);
    await expectNoLeak(async () => {
      const {curve, target, options} = await deletionScore(x, map, teacher, {stepSize: 12, target: contrast(0, 1)});
      expectClose(curve, [36, 18, 0], {abs: 1e-4});
      expect([target, options['target']]).toEqual([-1, 'function']);
      const [row] = await compare({
        explainers: {a: {method: 'a', explain: async (_, asked) => [saliency({target: -1, options: {asked: typeof asked?.target}})]}},
        metrics: ['deletion', {name: 'target', measure: ({target: asked}) => Number(typeof asked === 'function')}],
        images: x,
        model: teacher,
        target: contrast(0, 1),
        settings: {deletion: {stepSize: 12}},
      });
      expect(row!.values).toMatchObject({deletion: {mean: 18}, target: {mean: 1}});
      expect(row!.perImage[0]).toMatchObject({target: -1, score: 36});
    });
    x.dispose();
  });

  it('take a class for each image, in batches too', async () => {
    const model = classifier();
    const images = [image(1), image(2), image(3)];
    const scores = await deletionScore(images, [map, map, map], model, {target: {perImage: [2, 0, 1]}, batchSize: 2});
    expect(scores.map(({target}) => target)).toEqual([2, 0, 1]);
    const alone = await deletionScore(images[1]!, map, model, {target: 0});
    expectClose(scores[1]!.curve, alone.curve, {abs: 1e-6});
    // A function does not say how many classes it has.
    const byFunction = await deletionScore(images, [map, map, map], (batch) => model.predict(batch) as Tensor2D, {
      target: {perImage: [2, 0, 1]},
      batchSize: 2,
    });
    scores.forEach(({curve, target}, index) => {
      expectClose(byFunction[index]!.curve, curve, {abs: 1e-6});
      expect(byFunction[index]!.target).toBe(target);
    });
  });

  it('hide pixels of several images behind one colour', async () => {
    const model = classifier();
    const images = [image(1), image(2), image(3)];
    const together = await deletionScore(images, [map, map, map], model, {fill: 0.3});
    for (const [index, x] of images.entries()) {
      expectClose(together[index]!.curve, (await deletionScore(x, map, model, {fill: 0.3})).curve, {abs: 1e-6});
    }
    const [row] = await compare({
      explainers: {a: {method: 'a', explain: async () => [saliency()]}},
      metrics: ['deletion'],
      images,
      model,
      settings: {deletion: {fill: 0.3}},
    });
    expectClose(
      row!.perImage.map(({values}) => values['deletion']!),
      together.map(({auc}) => auc),
      {abs: 1e-6},
    );
  });

  it('change equally salient pixels in the order that is asked for', async () => {
    const first: ScoreFn = async (batch) => [...(await batch.data())].filter((_, at) => at % 4 === 0).map((value) => [value, 0]);
    const flat = {data: [1, 1, 1, 1], height: 2, width: 2};
    const run = async (ties?: 'index-asc' | 'index-desc'): Promise<readonly number[]> =>
      (await deletionScore(tensor3d([1, 1, 1, 1], [2, 2, 1]), flat, first, {ties, stepSize: 1, target: 0})).curve;
    expect(await run()).toEqual([1, 0, 0, 0, 0]);
    expect(await run('index-desc')).toEqual([1, 1, 1, 1, 0]);
  });

  it('take maps whose aspect is right to within one cell, and no others', async () => {
    const blind: ScoreFn = (batch) => Array.from({length: batch.shape[0]}, () => [0.5, 0.5]);
    const run = (size: [number, number], ofMap: [number, number]): Promise<unknown> =>
      insertionScore(zeros([...size, 1]) as Tensor3D, zeros(ofMap) as Tensor2D, blind);
    await run([13, 8], [7, 4]);
    await run([13, 8], [8, 4]); // Four columns more or less 8 · 8/13.
    await run([8, 13], [4, 8]);
    for (const ofMap of [
      [5, 4],
      [4, 5],
    ] as [number, number][])
      await expect(run([8, 8], ofMap)).rejects.toThrow('map must have the aspect of the image');
  });

  it('change a 28th of the pixels per step, rounded up, unless told otherwise', () => {
    expect([defaultStepSize(224, 224), defaultStepSize(6, 4), defaultStepSize(32, 32)]).toEqual([1792, 1, 37]);
    expect(() => defaultStepSize(0, 4)).toThrow('defaultStepSize: height must be a whole number of at least 1, but is 0.');
    expect(() => defaultStepSize(1e5, 1e5)).toThrow('defaultStepSize: height · width must be at most');
  });

  const model = classifier();
  const x = image();
  const disposed = image();
  disposed.dispose();
  const notFinite = tensor3d(
    Float32Array.from({length: 72}, (_, index) => (index === 40 ? NaN : 0)),
    [6, 4, 3],
  );
  it.each<[string, (score: typeof insertionScore) => Promise<unknown>, RegExp]>([
    [
      'an unknown option',
      (score) => score(x, map, model, {stepsize: 3} as object),
      /Score: there is no option 'stepsize'. Did you mean 'stepSize'\?/,
    ],
    [
      'an option of the blur that is unknown',
      (score) => score(x, map, model, {fill: {sigm: 3} as never}),
      /Score: there is no option 'fill.sigm'|Score: fill/,
    ],
    [
      'a list of classes',
      (score) => score(x, map, model, {target: [1, 2] as never}),
      /Score: target must be .*perImage.*, but is \[1, 2\]/,
    ],
    [
      'a signal that is none',
      (score) => score(x, map, model, {signal: {} as never}),
      /Score: signal must be an AbortSignal, but is Object/,
    ],
    [
      'a callback that is none',
      (score) => score(x, map, model, {onProgress: 3 as never}),
      /Score: onProgress must be a function, but is 3/,
    ],
    ['an image of NaN', (score) => score(notFinite, map, model), /Score: images must be finite, but hold NaN/],
    [
      'a disposed image',
      (score) => score(disposed, map, model),
      /Score: images must be a tensor or a picture .*, but is a disposed Tensor/,
    ],
    [
      'a promise of an image',
      (score) => score(Promise.resolve(x) as never, map, model),
      /Score: images must be .*, but is a promise \(await it first\)/,
    ],
    [
      'a promise of a model',
      (score) => score(x, map, Promise.resolve(model) as never),
      /Score: model must be .*, but is a promise \(await it first\)/,
    ],
    [
      'a list where one map is wanted',
      (score) => score(x, [[saliency()]] as never, model),
      /Score: maps\[0\] must be one map, .* take one of them, such as the first, \[0\]/,
    ],
    ['a disposed map', (score) => score(x, disposed as never, model), /Score: map must be a tensor, but is a disposed Tensor/],
    ['a map of texts', (score) => score(x, {...map, data: ['a'] as never}, model), /Score: map: data\[0\] must be a number, but is "a"/],
    ['absurd sizes', (score) => score(x, {...map, height: 1e9, width: 1e9}, model), /Score: map: height · width must be at most/],
    [
      'an absurd blur',
      (score) => score(x, map, model, {fill: {sigma: 1e9}}),
      /Score: fill.sigma must be a finite number from 0.01 to 1000, but is 1000000000/,
    ],
    ['a blur of nothing', (score) => score(x, map, model, {fill: {sigma: 5e-324}}), /Score: fill.sigma must be/],
    ['a fill of NaN', (score) => score(x, map, model, {fill: notFinite}), /Score: fill must be finite, but hold NaN or infinite values/],
    [
      'a colour of another number of channels',
      (score) => score(x, map, model, {fill: [1, 2]}),
      /Score: fill must be one value or 3, one per channel/,
    ],
  ])('refuse %s, by name', async (_, run, message) => {
    for (const score of [insertionScore, deletionScore as typeof insertionScore])
      await expectNoLeak(() => expect(run(score)).rejects.toThrow(message));
  });

  it('fill with a colour, the mean colour or zeros', async () => {
    const total = (batch: Tensor4D): Tensor2D => tidy(() => mul(reshape(sum(batch, [1, 2, 3]), [-1, 1]), tensor2d([[1, 0]])) as Tensor2D);
    const values = await x.data<'float32'>();
    const whole = values.reduce((all, value) => all + value, 0);
    for (const [fill, last] of [
      ['zeros', 0],
      ['mean', whole],
      [0.5, 36],
      [[1, 2, 3], 144],
      [Float32Array.of(1, 2, 3) as unknown as number[], 144],
    ] as const) {
      const {curve, options} = await deletionScore(x, map, total, {fill, stepSize: 24, target: 0});
      expectClose(curve, [whole, last], {abs: 1e-4});
      expect(options['fill']).toEqual(typeof fill === 'object' ? [...fill] : fill);
    }
  });
});

describe('compare', () => {
  const options = (explainers: CompareOptions['explainers']): CompareOptions => ({
    explainers,
    metrics: ['intensity'],
    images: zeros([6, 4, 3]) as Tensor3D,
    model: classifier(),
  });

  it('takes explainers by any name', async () => {
    const explainer = {method: 'm', explain: async () => [saliency()]};
    const names = ['constructor', 'toString', 'hasOwnProperty', '__proto__'];
    const rows = await compare({...options(Object.fromEntries(names.map((name) => [name, explainer]))), limits: {toString: 1}});
    expect(rows.map(({method, images}) => [method, images])).toEqual(names.map((name) => [name, 1]));
    await expect(compare({...options({a: explainer}), limits: {constructor: 1}})).rejects.toThrow(
      'compare: limits must be for explainers, "a", but has "constructor".',
    );
  });

  it('says what is no explainer', async () => {
    await expect(compare(options({a: {method: 'a'} as never}))).rejects.toThrow(
      'compare: explainers["a"] must be an explainer {method, explain()}, but is Object.',
    );
    await expect(compare({...options({}), explainers: undefined as never})).rejects.toThrow('compare: explainers must be');
    await expect(compare(undefined as never)).rejects.toThrow('compare: explainers must be');
  });

  it('counts maps with several peaks, and the table says so', async () => {
    const saturated = {...saliency(), data: Float32Array.from({length: 24}, (_, pixel) => (pixel < 6 ? 1 : 0))};
    const inside = Array.from({length: 24}, (_, pixel) => pixel < 3);
    const rows = await compare({
      ...options({tied: {method: 't', explain: async () => [saturated]}, single: {method: 's', explain: async () => [saliency()]}}),
      metrics: ['pointing'],
      regions: [inside],
    });
    expect(rows.map(({tiedMaps, values}) => [tiedMaps, values['pointing']!.mean])).toEqual([
      [1, 0.5],
      [0, 0],
    ]);
    expect(formatComparison(rows).split('\n')[0]).toBe('method  images  tied peaks  pointing');
    expect(formatComparison(rows.slice(1)).split('\n')[0]).toBe('method  images  pointing');
  });
});

describe('pointingGame', () => {
  it('gives a saturated map the share of its peak that lies inside', () => {
    // 14,816 of 192·192 pixels at 1, of which 8,089 are in the region.
    const data = Float32Array.from({length: 192 * 192}, (_, pixel) => (pixel < 14_816 ? 1 : 0.5));
    const region = Array.from({length: 192 * 192}, (_, pixel) => pixel < 8_089 || pixel >= 30_000);
    expect(pointingGame({data, height: 192, width: 192}, region)).toEqual({hit: 8_089 / 14_816, peaks: 14_816, inside: 8_089});
  });
});
