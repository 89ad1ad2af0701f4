import {fill, mul, randomUniform, slice, tensor4d, zeros, type Rank, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type LayersModel, type Sequential} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {settleValues} from '../../src/core/saliency-map.js';
import {gradCam, gradCamExplainer, type GradCamOptions} from '../../src/baselines/cam/grad-cam.js';
import {LayerNotFoundError} from '../../src/core/errors/layer-not-found-error.js';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import type {DecodedImage, SaliencyMap} from '../../src/core/types.js';
import {executeGraph} from '../../src/models/graph/execute-graph.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';

type Symbolic = ReturnType<typeof input>;
const shape: [number, number, number] = [8, 12, 3];
const images = (n = 3, seed = 7): Tensor4D => randomUniform([n, ...shape], -1, 1, 'float32', seed) as Tensor4D;
const apply = (layer: unknown, x: unknown): Symbolic => (layer as layers.Layer).apply(x as never) as Symbolic;
const conv = (name: string, options: object = {}): layers.Layer =>
  layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', kernelInitializer: layerInit(name), name, ...options});
const dense = (units: number, activation: string, name = 'classes'): layers.Layer =>
  layers.dense({units, activation: activation as never, kernelInitializer: layerInit(name), name});
const gap = (): layers.Layer => layers.globalAveragePooling2d({name: 'mean'} as never);

/** The same layer name has the same weights in every model. */
function layerInit(name: string): never {
  return {
    className: 'RandomNormal',
    config: {mean: 0.05, stddev: 0.5, seed: [...name].reduce((sum, letter) => sum * 7 + letter.charCodeAt(0), 1) % 1000},
  } as never;
}

/** Two convolutions with a pooling between, then the head. */
function flat(units = 5, activation = 'softmax'): Sequential {
  return sequential({
    name: 'flat',
    layers: [
      conv('conv_a', {inputShape: shape}),
      layers.maxPooling2d({poolSize: 2, name: 'pool'}),
      conv('conv_b'),
      gap(),
      dense(units, activation),
    ],
  });
}

/** The same network with its body, and within it the second half, as models of their own. */
function nested(): LayersModel {
  const innerInput = input({shape: [4, 6, 4]});
  const inner = functional({inputs: innerInput, outputs: apply(conv('conv_b'), innerInput), name: 'inner'});
  const bodyInput = input({shape});
  const body = functional({
    inputs: bodyInput,
    outputs: apply(inner, apply(layers.maxPooling2d({poolSize: 2, name: 'pool'}), apply(conv('conv_a'), bodyInput))),
    name: 'body',
  });
  const image = input({shape});
  return functional({inputs: image, outputs: apply(dense(5, 'softmax'), apply(gap(), apply(body, image))), name: 'nested'});
}

const values = (maps: readonly SaliencyMap[]): number[] => maps.flatMap(({data}) => [...data]);
const one = async (model: LayersModel, options: GradCamOptions = {}, x = images(1)): Promise<SaliencyMap> =>
  (await gradCam(x, model, options))[0]!;

describe('gradCam', () => {
  it('looks at the last feature map and says so, with class and probability of the highest logit', async () => {
    const model = flat();
    const x = images();
    const probabilities = await (model.predict(x) as Tensor).data();
    await expectNoLeak(async () => {
      const maps = await gradCam(x, model);
      expect(maps).toHaveLength(3);
      maps.forEach((map, image) => {
        const row = probabilities.slice(image * 5, image * 5 + 5);
        expect(map.target).toBe(row.indexOf(Math.max(...row)));
        expect(map.score).toBeCloseTo(row[map.target]!, 5);
        expect(map).toMatchObject({height: 8, width: 12, method: 'grad-cam', seed: null});
        expect(map.options).toEqual({
          layer: 'conv_b',
          variant: 'grad-cam',
          combine: 'mean',
          relu: true,
          normalize: true,
          batchSize: 16,
          target: 'argmax',
          logit: "input of the softmax in 'classes'",
        });
        if (!map.empty) expect([Math.min(...map.data), Math.max(...map.data)]).toEqual([0, 1]);
      });
    });
  });

  it('takes the layer in front of a 1×1 map by default, not the 1×1 map', async () => {
    const model = sequential({
      layers: [
        conv('conv_a', {inputShape: shape}),
        layers.maxPooling2d({poolSize: [8, 12]}),
        conv('conv_c', {kernelSize: 1, name: 'conv_c'}),
        layers.flatten(),
        dense(3, 'softmax'),
      ],
    });
    expect((await one(model)).options['layer']).toBe('conv_a');
  });

  it('finds layers inside nested models by their path, with the values of the flat network', async () => {
    const [plain, outer] = [flat(), nested()];
    const inSequential = sequential({
      name: 'outer',
      layers: [
        sequential({name: 'body', layers: [conv('conv_a', {inputShape: shape}), layers.maxPooling2d({poolSize: 2, name: 'pool'})]}),
        sequential({name: 'rest', layers: [conv('conv_b', {inputShape: [4, 6, 4]}), gap()]}),
        dense(5, 'softmax'),
      ],
    });
    const x = images(2);
    await expectNoLeak(async () => {
      for (const [layer, path, other] of [
        ['conv_b', 'body/inner/conv_b', 'rest/conv_b'],
        ['conv_a', 'body/conv_a', 'conv_a'],
      ] as const) {
        for (const normalize of [true, false]) {
          const expected = values(await gradCam(x, plain, {layer, target: 2, normalize, relu: false}));
          expectClose(
            values(await gradCam(x, outer, {layer: path, target: 2, normalize, relu: false})),
            expected,
            {abs: 1e-6, relToMax: 1e-6},
            path,
          );
          expectClose(
            values(await gradCam(x, inSequential, {layer: other, target: 2, normalize, relu: false})),
            expected,
            {abs: 1e-6, relToMax: 1e-6},
            other,
          );
        }
      }
      // A nested model by its own path is the map that it hands on.
      expect(values(await gradCam(x, outer, {layer: 'body', target: 1}))).toEqual(
        values(await gradCam(x, outer, {layer: 'body/inner/conv_b', target: 1})),
      );
    });
    expect((await one(outer)).options['layer']).toBe('body/inner/conv_b');
  });

  it('draws one map per class, image by image, the same as one class at a time', async () => {
    const model = flat();
    const x = images(2);
    const maps = await gradCam(x, model, {target: [3, 0, 3]});
    expect(maps.map(({target}) => target)).toEqual([3, 0, 3, 3, 0, 3]);
    expect(maps[0]!.data).toEqual(maps[2]!.data);
    expect(maps[0]!.data).not.toBe(maps[2]!.data);
    const zeroth = await gradCam(x, model, {target: 0});
    expect([maps[1]!.data, maps[4]!.data]).toEqual(zeroth.map(({data}) => data));
  });

  it('explains both sides of a single sigmoid: the negative map is that of −z', async () => {
    const model = flat(1, 'sigmoid');
    const x = images(2);
    const p = await (model.predict(x) as Tensor).data();
    await expectNoLeak(async () => {
      const all = {relu: false, normalize: false} as const;
      const positive = await gradCam(x, model, {...all, target: {kind: 'binary', positive: true}});
      const negative = await gradCam(x, model, {...all, target: {kind: 'binary', positive: false}});
      expect([positive[0]!.target, negative[0]!.target]).toEqual([1, 0]);
      expectClose(
        values(negative),
        values(positive).map((value) => -value),
        {abs: 1e-7},
        'negative side',
      );
      expectClose(
        positive.map(({score}) => score),
        p,
        {abs: 1e-6},
        'score of the positive side',
      );
      expectClose(
        negative.map(({score}) => score),
        [...p].map((each) => 1 - each),
        {abs: 1e-6},
        'score of the negative side',
      );
      const best = await gradCam(x, model, all);
      expect(best.map(({target}) => target)).toEqual([...p].map((each) => Number(each > 0.5)));
      expect(best[0]!.options['logit']).toBe("input of the sigmoid in 'classes'");
    });
  });

  it('differentiates the logit, not the probability, which saturates', async () => {
    const softmaxed = flat();
    const linear = flat(5, 'linear');
    const x = images(1);
    const scaled = [softmaxed, linear].map((model) => {
      const weights = model.getWeights();
      const sharp = mul(weights[4]!, 1000);
      model.setWeights([...weights.slice(0, 4), sharp, ...weights.slice(5)]);
      return model;
    });
    const [first, second] = await Promise.all(scaled.map((model) => one(model, {target: 4, normalize: false, relu: false}, x)));
    expect(Math.max(...first!.data.map(Math.abs))).toBeGreaterThan(0.1);
    expect(first!.data).toEqual(second!.data);
    expect(second!.options['logit']).toBe('output of the model');
  });

  it('gives the same maps for every batch size, and for images given one by one', async () => {
    const model = flat();
    const x = images(5);
    const whole = await gradCam(x, model, {batchSize: 100, target: [0, 4]});
    for (const batchSize of [1, 2]) {
      const maps = await gradCam(x, model, {batchSize, target: [0, 4]});
      expectClose(values(maps), values(whole), {abs: 1e-5}, `batch size ${batchSize}`);
    }
    const list = Array.from({length: 5}, (_, at) => slice(x, [at, 0, 0, 0], [1, -1, -1, -1]));
    expectClose(values(await gradCam(list, model, {batchSize: 2, target: [0, 4]})), values(whole), {abs: 1e-5}, 'list');
  });

  it('gives the same map twice, and leaves model, images and tensors as they were', async () => {
    const model = flat();
    const x = images();
    const [weights, pixels] = [await hashWeights(model), (await x.data()).slice()];
    const trainable = model.trainable;
    await expectNoLeak(async () => expect(await gradCam(x, model)).toEqual(await gradCam(x, model)));
    expect([await hashWeights(model), model.trainable, await x.data()]).toEqual([weights, trainable, pixels]);
  });

  it('takes a Teacher, and through it decoded pictures', async () => {
    const model = flat();
    const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
    const picture: DecodedImage = {data: Uint8Array.from({length: 20 * 30 * 3}, (_, at) => (at * 37) % 256), height: 20, width: 30};
    const map = (await gradCam([picture], teacher, {target: 1}))[0]!;
    expect([map.height, map.width]).toEqual([8, 12]);
    await expectNoLeak(() => expect(gradCam([picture], model)).rejects.toThrow(TypeError));
    const x = images(1);
    expect((await gradCam(x, teacher))[0]!.data).toEqual((await gradCam(x, model))[0]!.data);
  });

  it('keeps the centre of mass of a single cell when it enlarges the map', async () => {
    const model = sequential({
      layers: [
        layers.averagePooling2d({poolSize: 8, inputShape: [24, 40, 1], name: 'cells'}),
        layers.flatten(),
        layers.dense({units: 2, kernelInitializer: 'ones'}),
      ],
    });
    const pixels = Float32Array.from({length: 24 * 40}, (_, at) =>
      Number(Math.floor(at / 40 / 8) === 1 && Math.floor((at % 40) / 8) === 2),
    );
    const {data} = (await gradCam(tensor4d(pixels, [1, 24, 40, 1]), model, {layer: 'cells', target: 0}))[0]!;
    const mass = data.reduce((sum, value) => sum + value, 0);
    const row = data.reduce((sum, value, at) => sum + value * Math.floor(at / 40), 0) / mass;
    const column = data.reduce((sum, value, at) => sum + value * (at % 40), 0) / mass;
    expectClose([row, column], [11.5, 19.5], {abs: 1e-3}, 'centre');
  });

  it('gives zeros and says empty where there is no evidence, without NaN', async () => {
    const model = flat();
    const maps = await gradCam(zeros<Rank.R4>([2, ...shape]), model, {variant: 'grad-cam++'}); // no biases, so all features are 0
    for (const {data, empty} of maps) expect([empty, data.every((value) => value === 0)]).toEqual([true, true]);
    const several = await one(model, {layer: ['conv_a', 'conv_b']}, zeros<Rank.R4>([1, ...shape]));
    expect([several.empty, several.data.every((value) => value === 0)]).toEqual([true, true]);
    // A map that is the same everywhere says nothing about where.
    const constant = sequential({
      layers: [
        layers.conv2d({filters: 1, kernelSize: 1, biasInitializer: 'ones', kernelInitializer: 'zeros', inputShape: shape, name: 'map'}),
        layers.globalAveragePooling2d({} as never),
        layers.dense({units: 2, kernelInitializer: 'ones'}),
      ],
    });
    expect(await one(constant, {target: 0, normalize: false})).toMatchObject({empty: true, data: new Float32Array(96)});
  });

  it('joins several layers by the mean or the maximum of their stretched maps', async () => {
    const model = flat();
    const x = images(2);
    await expectNoLeak(async () => {
      const [early, late] = [await gradCam(x, model, {layer: 'conv_a', target: 1}), await gradCam(x, model, {layer: 'conv_b', target: 1})];
      for (const combine of ['mean', 'max'] as const) {
        for (const layer of [
          ['conv_a', 'conv_b'],
          ['conv_b', 'conv_a'],
        ]) {
          const maps = await gradCam(x, model, {layer, target: 1, combine, normalize: false});
          maps.forEach((map, image) => {
            const pairs = [...early[image]!.data].map((a, at) => [a, late[image]!.data[at]!] as const);
            expectClose(
              map.data,
              pairs.map(([a, b]) => (combine === 'max' ? Math.max(a, b) : (a + b) / 2)),
              {abs: 2e-6},
              combine,
            );
            expect(map.options).toMatchObject({layer, combine});
          });
          const stretched = await gradCam(x, model, {layer, target: 1, combine});
          for (const {data} of stretched) expect([Math.min(...data), Math.max(...data)]).toEqual([0, 1]);
        }
      }
    });
  });

  it('works through layers used twice, residual joins and batch norms without scale', async () => {
    const image = input({shape});
    const shared = conv('shared', {filters: 3});
    const norm = layers.batchNormalization({scale: false, name: 'norm'});
    const first = apply(norm, apply(shared, image));
    const second = apply(layers.add({name: 'join'}), [first, apply(shared, first)]);
    const model = functional({inputs: image, outputs: apply(dense(3, 'softmax'), apply(gap(), second))});
    await expectNoLeak(async () => {
      const x = images(1);
      const before = await one(model, {layer: 'shared', target: 1, variant: 'hires-cam', normalize: false, relu: false}, x);
      expect((await one(model, {}, x)).options['layer']).toBe('join');
      // Moving the map along the gradient changes the logit by that much: Σ g·A, from the map's own mass.
      const output = executeGraph(model, x, {until: 'shared'}) as Tensor4D;
      const step = 1e-2;
      const logit = async (factor: number): Promise<number> => {
        const moved = mul(output, factor);
        const probabilities = executeGraph(model, x, {given: {shared: moved}}) as Tensor;
        const row = await probabilities.data();
        for (const each of [moved, probabilities]) each.dispose();
        return Math.log(row[1]!);
      };
      const others = await Promise.all(
        [0, 2].map((target) => one(model, {layer: 'shared', target, variant: 'hires-cam', normalize: false, relu: false}, x)),
      );
      const mass = ({data}: SaliencyMap): number => data.reduce((sum, value) => sum + value, 0);
      // log p = z_1 − log Σ exp z, so its slope is that of z_1 less the mean slope.
      const slope = mass(before) * (1 - before.score) - others.reduce((sum, other) => sum + mass(other) * other.score, 0);
      expectClose([slope], [((await logit(1 + step)) - (await logit(1 - step))) / (2 * step)], {abs: 5e-3, rel: 2e-2}, 'slope of log p');
      for (const each of [output, x]) each.dispose();
    });
  });

  it('is stopped between two batches by its signal, and reports', async () => {
    const model = flat();
    const x = images(6);
    await expectNoLeak(async () => {
      const seen: number[] = [];
      await gradCam(x, model, {batchSize: 2, onProgress: ({done, total}) => seen.push(done / total)});
      expect(seen).toEqual([2 / 6, 4 / 6, 1]);
      const controller = new AbortController();
      const reason = new Error('enough');
      const stopped = gradCam(x, model, {
        batchSize: 2,
        signal: controller.signal,
        onProgress: ({done}) => done === 4 && controller.abort(reason),
      });
      await expect(stopped).rejects.toBe(reason);
      await expect(gradCam(x, model, {signal: AbortSignal.abort(reason)})).rejects.toBe(reason);
      const later = new AbortController();
      const waiting = gradCam(x, model, {batchSize: 1, signal: later.signal});
      setTimeout(() => later.abort(reason));
      await expect(waiting, 'by an event').rejects.toBe(reason);
    });
  });
});

describe('gradCam refuses', () => {
  const model = flat();
  const x = images(1);
  const square = zeros<Rank.R4>([1, 8, 8, 3]);
  const pointed = sequential({
    layers: [
      layers.conv2d({filters: 4, kernelSize: 3, inputShape: shape, name: 'wide'}),
      layers.conv2d({filters: 4, kernelSize: [6, 10], name: 'point'}),
      layers.flatten(),
      layers.dense({units: 5, activation: 'softmax'}),
    ],
  });
  const overflowing = flat(5, 'linear');
  overflowing.setWeights(overflowing.getWeights().map((weight, at) => (at === 4 ? fill(weight.shape, Infinity) : weight)));
  const refused: [string, () => Promise<unknown>, abstract new (...args: never[]) => Error, RegExp][] = [
    [
      'a layer that does not exist',
      () => gradCam(x, model, {layer: 'conv_z'}),
      LayerNotFoundError,
      /no layer 'conv_z'.*'conv_a', 'pool', 'conv_b'/,
    ],
    [
      'a layer without space',
      () => gradCam(x, model, {layer: 'mean'}),
      RangeError,
      /layer 'mean' must give.*H·W > 1.*\[N, 4\].*'conv_a', 'pool', 'conv_b'/,
    ],
    [
      'a layer of a single place',
      () => gradCam(x, pointed, {layer: 'point'}),
      RangeError,
      /layer 'point' must give.*H·W > 1.*\[N, 1, 1, 4\].*from 'wide'\./,
    ],
    ['an empty list of layers', () => gradCam(x, model, {layer: []}), RangeError, /gradCam: layer must be a text or a list of at least 1/],
    ['a layer that is no path', () => gradCam(x, model, {layer: 3 as never}), TypeError, /gradCam: layer must be a text or a list/],
    ['an unknown variant', () => gradCam(x, model, {variant: 'score-cam' as never}), RangeError, /'xgrad-cam'.*"score-cam"/],
    ['an unknown way to combine', () => gradCam(x, model, {combine: 'sum' as never}), RangeError, /combine/],
    ['a batch of nothing', () => gradCam(x, model, {batchSize: 0}), RangeError, /batchSize/],
    ['no image', () => gradCam([], model), RangeError, /at least one image/],
    ['images of another size', () => gradCam(square, model), RangeError, /8, 12, 3.*8, 8, 3/],
    ['a class that does not exist', () => gradCam(x, model, {target: 5}), RangeError, /gradCam: target/],
    ['a score function', () => gradCam(x, (() => []) as never), UnsupportedModelError, /score function.*rise\(\) and lime\(\)/],
    [
      'a GraphModel',
      () => gradCam(x, {predict: () => x, execute: () => x, inputs: []} as never),
      UnsupportedModelError,
      /GraphModel.*rise\(\) and lime\(\)/,
    ],
    [
      'a Teacher without a model',
      () => gradCam(x, {name: 'mine', inputShape: shape, numClasses: 2, logits: () => zeros([1, 2])}),
      UnsupportedModelError,
      /'mine' has no tfjs model.*gradientSaliency/,
    ],
    ['nothing', () => gradCam(x, undefined as never), TypeError, /gradCam: model must be a LayersModel, a Teacher/],
    ['values that are not finite', () => gradCam(x, overflowing), RangeError, /gradCam: the model must give finite logits/],
  ];
  it.each(refused)('%s', async (_name, call, type, message) => {
    await expectNoLeak(async () => {
      const error = await call().then(
        () => undefined,
        (reason: unknown) => reason as Error,
      );
      expect(error).toBeInstanceOf(type);
      expect(error!.message).toMatch(message);
    });
  });

  it('a map that is not finite', () => {
    expect(() => settleValues('gradCam', Float32Array.of(1, NaN), true)).toThrow(/gradCam: the map must have finite values, but has NaN/);
  });

  it('a model without feature maps', async () => {
    const bare = sequential({layers: [layers.flatten({inputShape: shape}), dense(2, 'softmax')]});
    await expect(gradCam(x, bare)).rejects.toThrow(/no layer of model .* gives a feature map.*gradientSaliency/);
  });
});

describe('gradCamExplainer', () => {
  it('is gradCam with its options; those of a call go first, where they are defined', async () => {
    const model = flat();
    const x = images(2);
    const explainer = gradCamExplainer(model, {variant: 'layer-cam', layer: 'conv_a', target: 3});
    expect(explainer.method).toBe('layer-cam');
    expect(await explainer.explain(x)).toEqual(await gradCam(x, model, {variant: 'layer-cam', layer: 'conv_a', target: 3}));
    const given = await explainer.explain(x, {target: 1, batchSize: undefined});
    expect(given).toEqual(await gradCam(x, model, {variant: 'layer-cam', layer: 'conv_a', target: 1}));
    expect(gradCamExplainer(model).method).toBe('grad-cam');
  });
});
