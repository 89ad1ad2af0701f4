import {
  mul,
  randomUniform,
  reshape,
  square,
  sum,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  zeros,
  type Rank,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {gradientSaliency, gradientSaliencyExplainer, type GradientSaliencyOptions} from '../../src/baselines/gradient/gradient-saliency.js';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import {Random} from '../../src/core/random.js';
import type {SaliencyMap, Teacher} from '../../src/core/types.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';

const shape = [3, 4, 2] as const;
const size = 24;
const random = new Random(21);
const weights = Float32Array.from({length: size * 3}, () => random.uniform(-1, 1)); // [size, 3]
const images = (n = 2): Tensor4D => randomUniform([n, ...shape], -1, 1, 'float32', 5) as Tensor4D;

/** z = xW + b, with the activation behind it. */
function linearModel(units = 3, activation = 'softmax', kernel = weights): LayersModel {
  const model = sequential({
    layers: [layers.flatten({inputShape: [...shape]}), layers.dense({units, activation: activation as never, name: 'classes'})],
  });
  const values = [tensor2d(kernel.slice(0, size * units), [size, units]), tensor1d(Array.from({length: units}, (_, at) => at / 10))];
  model.setWeights(values);
  for (const value of values) value.dispose();
  return model;
}

/** The weights of one class, `[12 pixels][2 channels]`. */
const column = (target: number): number[][] =>
  Array.from({length: 12}, (_, pixel) => [0, 1].map((channel) => weights[(pixel * 2 + channel) * 3 + target]!));

/** z_c = c · Σ x²: its gradient is 2·c·x. */
const quadratic: Teacher = {
  name: 'quadratic',
  inputShape: shape,
  numClasses: 3,
  logits: (x) => tidy(() => mul(reshape(sum(square(x), [1, 2, 3]), [-1, 1]), tensor2d([[0, 1, 2]])) as Tensor2D),
};

const joins: Record<NonNullable<GradientSaliencyOptions['reduce']>, (g: readonly number[], x: readonly number[]) => number> = {
  'max-abs': (g) => Math.max(...g.map(Math.abs)),
  'sum-abs': (g) => g.reduce((total, each) => total + Math.abs(each), 0),
  'signed-sum': (g) => g.reduce((total, each) => total + each, 0),
  'gradient-times-input': (g, x) => g.reduce((total, each, at) => total + each * x[at]!, 0),
};
const reductions = Object.keys(joins) as (keyof typeof joins)[];

describe('gradientSaliency', () => {
  it.each(reductions)('of a linear model is its weights, reduced by %s', async (reduce) => {
    const model = linearModel();
    const x = images();
    const pixels = await x.data();
    await expectNoLeak(async () => {
      const maps = await gradientSaliency(x, model, {reduce, target: [2, 0]});
      expect(maps.map(({target}) => target)).toEqual([2, 0, 2, 0]);
      maps.forEach((map, index) => {
        const image = Math.floor(index / 2);
        const expected = column(map.target).map((g, pixel) =>
          joins[reduce](
            g,
            [0, 1].map((channel) => pixels[image * size + pixel * 2 + channel]!),
          ),
        );
        expectClose(map.data, expected, {abs: 1e-6}, `${reduce} ${index}`);
        expect(map).toMatchObject({height: 3, width: 4, method: 'gradient-saliency', seed: null, empty: false});
        expect(map.options).toEqual({reduce, batchSize: 16, target: [2, 0], logit: "input of the softmax in 'classes'"});
      });
    });
  });

  it('of a saturated softmax is still that of the logit', async () => {
    const model = linearModel(
      3,
      'softmax',
      weights.map((value) => value * 1000),
    );
    const map = (await gradientSaliency(images(1), model))[0]!;
    expect(map.score).toBeCloseTo(1, 5);
    expectClose(
      map.data,
      column(map.target).map((g) => 1000 * joins['max-abs'](g, [])),
      {rel: 1e-5},
      'map',
    );
  });

  it('has both sides of a single sigmoid', async () => {
    const model = linearModel(1, 'sigmoid');
    const x = images(1);
    const [negative, positive] = await gradientSaliency(x, model, {target: [0, 1], reduce: 'signed-sum'});
    expectClose(
      negative!.data,
      positive!.data.map((value) => -value),
      {abs: 1e-7},
      'sides',
    );
    expectClose(
      positive!.data,
      Array.from({length: 12}, (_, pixel) => weights[pixel * 2]! + weights[pixel * 2 + 1]!),
      {abs: 1e-6},
      'positive',
    );
    const p = (await (model.predict(x) as Tensor).data())[0]!;
    expectClose([negative!.score, positive!.score], [1 - p, p], {abs: 1e-6}, 'scores');
    expect((await gradientSaliency(x, model, {target: {kind: 'binary', positive: false}}))[0]!.target).toBe(0);
  });

  it('takes any Teacher with differentiable logits', async () => {
    const x = images();
    await expectNoLeak(async () => {
      const maps = await gradientSaliency(x, quadratic, {target: 2, reduce: 'signed-sum'});
      const pixels = await x.data();
      expectClose(
        maps.flatMap(({data}) => [...data]),
        Array.from({length: 24}, (_, at) => 4 * (pixels[at * 2]! + pixels[at * 2 + 1]!)),
        {abs: 1e-5},
        'of a quadratic',
      );
      expect(maps[0]!.options['logit']).toBe("logits of teacher 'quadratic'");
    });
    const model = linearModel();
    const viaTeacher = await gradientSaliency(x, teacherFromLayersModel(model));
    expect(viaTeacher.map(({data}) => data)).toEqual((await gradientSaliency(x, model)).map(({data}) => data));
  });

  it('takes images of one channel', async () => {
    const model = sequential({
      layers: [
        layers.conv2d({filters: 1, kernelSize: [1, 3], inputShape: [2, 3, 1], kernelInitializer: 'ones'}),
        layers.flatten(),
        layers.dense({units: 2, kernelInitializer: 'ones'}),
      ],
    });
    const kernel = [tensor4d([1, -2, 3], [1, 3, 1, 1]), tensor1d([0]), tensor2d([1, 0, -1, 0], [2, 2]), tensor1d([0, 0])];
    model.setWeights(kernel);
    expectClose(
      (await gradientSaliency(zeros<Rank.R4>([1, 2, 3, 1]), model, {target: 0, reduce: 'signed-sum'}))[0]!.data,
      [1, -2, 3, -1, 2, -3],
      {abs: 1e-6},
      'kernel',
    );
  });

  it('gives the same maps for every batch size, twice, and changes nothing', async () => {
    const model = linearModel();
    const x = images(5);
    const [before, pixels] = [await hashWeights(model), (await x.data()).slice()];
    const run = (batchSize: number): Promise<SaliencyMap[]> => gradientSaliency(x, model, {batchSize, reduce: 'gradient-times-input'});
    const whole = await run(100);
    for (const batchSize of [1, 2, 100]) {
      expectClose(
        (await run(batchSize)).flatMap(({data}) => [...data]),
        whole.flatMap(({data}) => [...data]),
        {abs: 1e-6},
        `batch size ${batchSize}`,
      );
    }
    expect([await hashWeights(model), await x.data()]).toEqual([before, pixels]);
  });

  it('gives zeros and says empty where the gradient is zero', async () => {
    const map = (await gradientSaliency(images(1), quadratic, {target: 0}))[0]!;
    expect([map.empty, map.data]).toEqual([true, new Float32Array(12)]);
  });

  it('stops between two batches', async () => {
    const x = images(4);
    await expectNoLeak(async () => {
      const controller = new AbortController();
      const stopped = gradientSaliency(x, quadratic, {
        batchSize: 1,
        signal: controller.signal,
        onProgress: ({done}) => done === 2 && controller.abort(new Error('enough')),
      });
      await expect(stopped).rejects.toThrow('enough');
    });
  });

  it('refuses what has no gradient, and options out of range', async () => {
    const x = images(1);
    await expectNoLeak(async () => {
      const detached: Teacher = {...quadratic, logits: () => tensor2d([[1, 2, 3]])};
      const error = await gradientSaliency(x, detached).catch((reason: unknown) => reason as Error);
      expect(error).toBeInstanceOf(UnsupportedModelError);
      expect((error as Error).message).toMatch(/gradientSaliency: the logits cannot be differentiated.*rise\(\) and lime\(\)/);
      await expect(gradientSaliency(x, (() => []) as never)).rejects.toThrow(UnsupportedModelError);
      await expect(gradientSaliency(x, quadratic, {reduce: 'max' as never})).rejects.toThrow(/reduce must be one of 'max-abs'/);
      await expect(gradientSaliency(x, quadratic, {target: 3})).rejects.toThrow(/gradientSaliency: target/);
      await expect(gradientSaliency([], quadratic)).rejects.toThrow(/at least one image/);
    });
  });

  it('is bound by its explainer', async () => {
    const x = images();
    const explainer = gradientSaliencyExplainer(quadratic, {reduce: 'sum-abs', target: 1});
    expect(explainer.method).toBe('gradient-saliency');
    expect(await explainer.explain(x, {target: 2})).toEqual(await gradientSaliency(x, quadratic, {reduce: 'sum-abs', target: 2}));
  });
});
