import {
  fill,
  grad,
  mul,
  randomUniform,
  reshape,
  slice,
  sum,
  zeros,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {withTensors} from '../../src/core/tensors.js';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import type {DecodedImage, Explainer, ExplainerOptions, ImagesInput, Progress, SaliencyMap, SeedOptions} from '../../src/core/types.js';
import {CBAM} from '../../src/layers/cbam.js';
import {randomizationCheck} from '../../src/metrics/of-explainer/randomization-check.js';
import {expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';
import {read} from '../helpers/read.js';

/** Gradient times input of a LayersModel, one image at a time. */
function gradientTimesInput(network: LayersModel, asked: (ExplainerOptions & SeedOptions)[] = []): Explainer {
  return {
    method: 'gradient',
    async explain(images: ImagesInput, options: ExplainerOptions & SeedOptions = {}): Promise<SaliencyMap[]> {
      asked.push(options);
      const image = images as Tensor4D;
      const scores = await read(() => network.apply(image) as Tensor2D);
      const target = typeof options.target === 'number' ? options.target : scores.indexOf(Math.max(...scores));
      const data = await read(() => {
        const score = (x: Tensor): Scalar => sum(slice(network.apply(x) as Tensor2D, [0, target], [1, 1]));
        return sum(mul(grad(score)(image), image), -1);
      });
      const [, height, width] = image.shape;
      return [{data, height, width, target, score: scores[target]!, method: 'gradient', seed: null, options: {}, empty: false}];
    },
  };
}

/** Draws the brightness, whatever the model. */
const edgeDetector = (): Explainer => ({
  method: 'edges',
  async explain(images): Promise<SaliencyMap[]> {
    const image = images as Tensor4D;
    const data = await read(() => sum(image, -1));
    return [
      {data, height: image.shape[1], width: image.shape[2], target: 0, score: 0, method: 'edges', seed: null, options: {}, empty: false},
    ];
  },
});

let made = 0;
/** A functional model with a nested one, batch norm, a shared layer and a layer of our own. */
function network(): LayersModel {
  const id = ++made;
  const inner = sequential({
    name: `inner_${id}`,
    layers: [
      layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', activation: 'tanh', inputShape: [8, 6, 3], name: 'conv'}),
      layers.batchNormalization({name: 'norm'}),
    ],
  });
  const image = input({shape: [8, 6, 3]});
  const shared = layers.conv2d({filters: 4, kernelSize: 1, activation: 'tanh', name: `shared_${id}`});
  let features = inner.apply(image) as ReturnType<typeof input>;
  features = shared.apply(shared.apply(features)) as typeof features;
  features = new CBAM({ratio: 2, name: `attention_${id}`}).apply(features) as typeof features;
  const scores = layers
    .dense({units: 3, activation: 'softmax', name: `classes_${id}`})
    .apply(layers.flatten({name: `flat_${id}`}).apply(features)) as typeof features;
  const whole = model({inputs: image, outputs: scores});
  whole.setWeights(whole.getWeights().map((weight, index) => randomUniform(weight.shape, 0.05, 0.7, 'float32', index + 1)));
  for (const layer of [shared, whole.getLayer(`classes_${id}`)])
    layer.setWeights(layer.getWeights().map((weight, index) => randomUniform(weight.shape, -0.7, 0.7, 'float32', index + 9)));
  return whole;
}

const images = (): Tensor4D => randomUniform([3, 8, 6, 3], -1, 1, 'float32', 4) as Tensor4D;

describe('randomizationCheck', () => {
  it('finds that a gradient depends on the weights, layer by layer from the top', async () => {
    const whole = network();
    const before = await hashWeights(whole);
    for (const kind of ['shuffle', 'redraw'] as const) {
      const {steps, targets, ...record} = await randomizationCheck(images(), (copy) => gradientTimesInput(copy), whole, {seed: 3, kind});
      expect(record).toEqual({order: 'cascading', kind, seed: 3});
      expect(steps.map(({layer}) => layer.replace(/_\d+/, ''))).toEqual(['classes', 'attention', 'shared', 'inner/norm', 'inner/conv']);
      expect(targets).toHaveLength(3);
      expect(steps[0]!.mean).toBeLessThan(0.9);
      expect(Math.abs(steps.at(-1)!.mean)).toBeLessThan(0.6);
      for (const {correlations, mean, images: count} of steps) {
        expect(count).toBe(3);
        expect(mean).toBeCloseTo(correlations.reduce((a, b) => a + b, 0) / 3, 12);
      }
    }
    expect(await hashWeights(whole)).toBe(before);
  });

  it('gives 1 for an explainer that ignores the model', async () => {
    for (const order of ['cascading', 'independent'] as const) {
      const {steps} = await randomizationCheck(images(), edgeDetector, network(), {order});
      expect(steps.map(({mean}) => mean)).toEqual([1, 1, 1, 1, 1]);
    }
  });

  it('randomises one layer at a time, or all down to it', async () => {
    const whole = network();
    const explained: string[][] = [];
    const watching = (copy: LayersModel): Explainer => {
      const changed = whole.layers.flatMap((layer, index) =>
        hashLayer(layer) === hashLayer(copy.layers[index]!) ? [] : [layer.name.replace(/_\d+$/, '')],
      );
      explained.push(changed);
      return edgeDetector();
    };
    const hashLayer = (layer: layers.Layer): string =>
      layer
        .getWeights()
        .map((weight) => weight.dataSync().join())
        .join(';');
    await randomizationCheck(images(), watching, whole, {order: 'independent'});
    expect(explained).toEqual([[], ['classes'], ['attention'], ['shared'], ['inner'], ['inner']]);
    explained.length = 0;
    const paths = [`inner_${made}/conv`, `shared_${made}`];
    const {steps} = await randomizationCheck(images(), watching, whole, {layers: paths});
    expect(steps.map(({layer}) => layer)).toEqual([...paths].reverse());
    expect(explained.map((changed) => changed.sort())).toEqual([
      [],
      ['attention', 'classes', 'shared'],
      ['attention', 'classes', 'inner', 'shared'],
    ]);
  });

  it('asks about the classes of the original maps, with one seed', async () => {
    const asked: (ExplainerOptions & SeedOptions)[] = [];
    const whole = network();
    const each = images();
    const {targets} = await randomizationCheck(each, (copy) => gradientTimesInput(copy, asked), whole, {
      seed: 8,
      layers: [`classes_${made}`],
    });
    expect(asked.map(({target}) => target)).toEqual(['argmax', 'argmax', 'argmax', ...targets]);
    expect(asked.every(({seed}) => seed === 8)).toBe(true);
    asked.length = 0;
    const list = [0, 1, 2].map((row) => reshape(slice(each, [row, 0, 0, 0], [1, -1, -1, -1]), [8, 6, 3]) as Tensor3D);
    await randomizationCheck(list, (copy) => gradientTimesInput(copy, asked), whole, {
      target: {perImage: [2, 0, 1]},
      layers: [`classes_${made}`],
    });
    expect(asked.map(({target}) => target)).toEqual([2, 0, 1, 2, 0, 1]);
  });

  it('gives the same numbers for the same seed, and reports progress', async () => {
    const whole = network();
    const records: Progress[] = [];
    const run = (seed: number): Promise<unknown> =>
      randomizationCheck(images(), (copy) => gradientTimesInput(copy), whole, {seed, onProgress: (progress) => records.push(progress)});
    const first = await run(1);
    expect(records.at(-1)).toEqual({stage: 'randomizationCheck', done: 18, total: 18});
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  it('draws for every layer on its own', async () => {
    const dense = (index: number): ReturnType<typeof layers.dense> =>
      layers.dense({units: 5, name: `twin_${made}_${index}`, inputShape: [5]});
    const twins = sequential({layers: [layers.flatten({inputShape: [5, 1, 1]}), dense(0), dense(1)]});
    const [first, second] = [twins.layers[1]!, twins.layers[2]!];
    second.setWeights(first.getWeights());
    const kernels: string[][] = [];
    const watching = (copy: LayersModel): Explainer => ({
      method: 'watching',
      explain: async () => {
        kernels.push(await Promise.all(copy.layers.slice(1).map(async (each) => (await each.getWeights()[0]!.data()).join())));
        return [{data: Float32Array.of(1, 2), height: 1, width: 2, target: 0, score: 0, method: 'w', seed: 0, options: {}, empty: false}];
      },
    });
    await randomizationCheck(zeros([5, 1, 1]) as Tensor3D, watching, twins);
    expect(kernels.map(([one, other]) => one === other)).toEqual([true, false, false]);
  });

  it('counts a map that becomes flat as 0', async () => {
    let calls = 0;
    const fading = (): Explainer => ({
      method: 'fading',
      explain: async () => [
        {
          data: calls++ === 0 ? Float32Array.of(1, 2) : Float32Array.of(0, 0),
          height: 1,
          width: 2,
          target: 0,
          score: 0,
          method: 'fading',
          seed: null,
          options: {},
          empty: true,
        },
      ],
    });
    const {steps} = await randomizationCheck(zeros([1, 8, 6, 3]) as Tensor4D, fading, network(), {layers: [`classes_${made}`]});
    expect(steps[0]!.correlations).toEqual([0]);
  });

  it('leaves the model as it was and leaks nothing, aborted or failing too', async () => {
    const whole = network();
    whole.trainable = false;
    const each = images();
    const before = await hashWeights(whole);
    let disposed = 0;
    const withDispose = (copy: LayersModel): Explainer => Object.assign(gradientTimesInput(copy), {dispose: () => (disposed += 1)});
    await expectNoLeak(() => randomizationCheck(each, withDispose, whole));
    expect(disposed).toBe(6);
    let calls = 0;
    const failing = (copy: LayersModel): Explainer => ({
      ...gradientTimesInput(copy),
      explain: (...args) => (++calls === 5 ? Promise.reject(new Error('out of order')) : gradientTimesInput(copy).explain(...args)),
    });
    await expectNoLeak(() => expect(randomizationCheck(each, failing, whole)).rejects.toThrow('out of order'));
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = ({done}: Progress): void => (done === 4 ? controller.abort(reason) : undefined);
    await expectNoLeak(() =>
      expect(randomizationCheck(each, gradientTimesInput, whole, {signal: controller.signal, onProgress})).rejects.toBe(reason),
    );
    expect(await hashWeights(whole)).toBe(before);
  });

  it('hands a picture on as it is', async () => {
    const picture: DecodedImage = {data: new Uint8Array(8 * 6 * 3), height: 8, width: 6};
    const given: ImagesInput[] = [];
    const watching = (): Explainer => ({
      method: 'watching',
      explain: async (shown, options) => (given.push(shown), edgeDetector().explain(zeros([1, 8, 6, 3]) as Tensor4D, options)),
    });
    await withTensors(() => randomizationCheck([picture], watching, network()));
    expect(given.length).toBeGreaterThan(1);
    expect(given.every((each) => each === picture)).toBe(true);
  });

  it('refuses what it cannot do', async () => {
    const whole = network();
    await expect(randomizationCheck(images(), edgeDetector, whole, {layers: ['flat']})).rejects.toThrow(
      /no layer 'flat' with weights. It has 'inner_\d+\/conv', /,
    );
    await expect(randomizationCheck(images(), edgeDetector, whole, {order: 'random' as never})).rejects.toThrow(RangeError);
    await expect(randomizationCheck([], edgeDetector, whole)).rejects.toThrow(/at least one image/);
    await expect(randomizationCheck(images(), edgeDetector, whole, {target: {perImage: [1]}})).rejects.toThrow(/there are 1 for 3 images/);
    await expect(randomizationCheck(zeros([8, 6]) as never, edgeDetector, whole)).rejects.toThrow(
      new RangeError('randomizationCheck: images must have shape [H, W, C] or [N, H, W, C], but has [8, 6].'),
    );
    const blind = (): Explainer => ({method: 'blind', explain: () => Promise.reject(new Error('was asked'))});
    await expectNoLeak(() =>
      expect(withTensors((scope) => randomizationCheck(scope.own(fill([8, 6, 3], NaN) as Tensor3D), blind, whole))).rejects.toThrow(
        'randomizationCheck: images must be finite, but hold NaN',
      ),
    );
    await expect(randomizationCheck(images(), {} as never, whole)).rejects.toThrow(
      'randomizationCheck: makeExplainer must be a function, but is Object.',
    );
    await expect(randomizationCheck(images(), (() => ({})) as never, whole)).rejects.toThrow(
      'randomizationCheck: what makeExplainer gives must be an explainer {method, explain()}, but is Object.',
    );
    const gives =
      (answer: unknown): (() => Explainer) =>
      () => ({method: 'odd', explain: async () => answer as SaliencyMap[]});
    for (const [answer, message] of [
      [undefined, "randomizationCheck: 'odd' must give a list of maps, but gave undefined."],
      [[], "randomizationCheck: 'odd' must give one map for one image and one target, but gave 0."],
      [[null], "randomizationCheck: 'odd' must give maps with data, a Float32Array, but gave null."],
      [[{data: [1]}], "randomizationCheck: 'odd' must give maps with data, a Float32Array, but gave [1]."],
    ] as const)
      await expect(randomizationCheck(images(), gives(answer), whole)).rejects.toThrow(message);
    const empty = sequential({layers: [layers.flatten({inputShape: [8, 6, 3]})]});
    await expect(randomizationCheck(images(), edgeDetector, empty)).rejects.toThrow(UnsupportedModelError);
    const broken = network();
    broken.getLayer(`classes_${made}`).getConfig = () => ({name: 'broken'});
    const each = images();
    await expectNoLeak(() => expect(randomizationCheck(each, edgeDetector, broken)).rejects.toThrow(/cannot be copied .*getConfig/));
  });
});
