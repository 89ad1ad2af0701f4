import {randomUniform, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {classActivationMap, classActivationMapExplainer} from '../../src/baselines/cam/class-activation-map.js';
import {camVariants} from '../../src/baselines/cam/variant.js';
import {gradCam} from '../../src/baselines/cam/grad-cam.js';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import {executeGraph} from '../../src/models/graph/execute-graph.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';

type Symbolic = ReturnType<typeof input>;
const images = (n = 2): Tensor4D => randomUniform([n, 6, 10, 3], -1, 1, 'float32', 11) as Tensor4D;
const apply = (layer: unknown, x: unknown): Symbolic => (layer as layers.Layer).apply(x as never) as Symbolic;
const gap = (): layers.Layer => layers.globalAveragePooling2d({} as never);
const init = {kernelInitializer: 'glorotNormal', biasInitializer: 'randomNormal'} as const;

/** An image, a convolution 'map' with 4 channels at half size, then `tail`. */
function ending(...tail: layers.Layer[]): LayersModel {
  const image = input({shape: [6, 10, 3]});
  const features = apply(
    layers.conv2d({filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu', name: 'map', ...init}),
    image,
  );
  return functional({inputs: image, outputs: tail.reduce((x, layer) => apply(layer, x), features), name: 'net'});
}

const dense = (units: number, activation: string): layers.Layer => layers.dense({units, activation: activation as never, ...init});
const pointwise = (filters: number, activation = 'linear', kernelSize = 1): layers.Layer =>
  layers.conv2d({filters, kernelSize, activation: activation as never, ...init});

const heads: Record<string, () => layers.Layer[]> = {
  'Dense with softmax': () => [gap(), dense(3, 'softmax')],
  'Dense, Activation': () => [gap(), layers.dropout({rate: 0.5}), dense(3, 'linear'), layers.activation({activation: 'softmax'})],
  'Dense without activation': () => [gap(), dense(3, 'linear')],
  'reshape, 1×1 convolution, flatten, softmax': () => [
    gap(),
    layers.reshape({targetShape: [1, 1, 4]}),
    pointwise(3),
    layers.flatten(),
    layers.softmax(),
  ],
  'average pooling of the whole map, flatten, Dense': () => [
    layers.averagePooling2d({poolSize: [3, 5]}),
    layers.flatten(),
    dense(3, 'softmax'),
  ],
  '1×1 convolution in front of the pooling': () => [pointwise(3), gap(), layers.softmax()],
};

describe('classActivationMap', () => {
  it.each(Object.keys(heads))('is h·w times Grad-CAM at the last map: %s', async (name) => {
    const model = ending(...heads[name]!());
    const x = images();
    const before = await hashWeights(model);
    await expectNoLeak(async () => {
      const target = [2, 0];
      const maps = await classActivationMap(x, model, {target, normalize: false});
      const relatives = await gradCam(x, model, {layer: 'map', target, normalize: false, relu: false});
      expect(maps.map((map) => [map.target, map.options['layer'], map.method])).toEqual(
        [2, 0, 2, 0].map((each) => [each, 'map', 'class-activation-map']),
      );
      maps.forEach((map, at) => {
        expectClose(
          map.data,
          relatives[at]!.data.map((value) => value * 15),
          {relToMax: 1e-5},
          `map ${at}`,
        );
        expect(map.score).toBeCloseTo(relatives[at]!.score, 6);
      });
      const stretched = await classActivationMap(x, model, {relu: true});
      expectClose(
        stretched.flatMap(({data}) => [...data]),
        (await gradCam(x, model, {layer: 'map'})).flatMap(({data}) => [...data]),
        {abs: 1e-5},
        'stretched',
      );
    });
    expect(await hashWeights(model)).toBe(before);
  });

  it.each(Object.keys(heads))('knows the same gradient at the last map as differentiation finds: %s', async (name) => {
    const known = ending(...heads[name]!());
    // Hands on its input, but is not known to: in front of the head it is in the way of what knows heads.
    const unknown = ending(layers.leakyReLU({alpha: 1}), ...heads[name]!());
    unknown.setWeights(known.getWeights());
    const x = images();
    await expectNoLeak(async () => {
      for (const variant of camVariants) {
        const options = {layer: 'map', target: [2, 0], variant, relu: false, normalize: false};
        const expected = (await gradCam(x, unknown, options)).flatMap(({data}) => [...data]);
        expectClose(
          (await gradCam(x, known, options)).flatMap(({data}) => [...data]),
          expected,
          {relToMax: 1e-5},
          variant,
        );
      }
    });
  });

  it('adds up to the logit: its mean is the logit without its bias', async () => {
    const model = sequential({
      layers: [
        layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', inputShape: [6, 10, 3], ...init}),
        gap(),
        layers.dense({units: 3, ...init}),
      ],
    });
    const x = images(1);
    const logits = await (executeGraph(model, x) as Tensor).data();
    const bias = await model.getWeights().at(-1)!.data();
    const maps = await classActivationMap(x, model, {target: [0, 1, 2], normalize: false});
    expectClose(
      maps.map(({data}) => data.reduce((sum, value) => sum + value, 0) / 60),
      [0, 1, 2].map((at) => logits[at]! - bias[at]!),
      {abs: 1e-5},
      'means',
    );
  });

  it('has both sides of a single sigmoid', async () => {
    const model = ending(gap(), dense(1, 'sigmoid'));
    const x = images();
    const [negative, positive] = await classActivationMap(x, model, {target: [0, 1], normalize: false});
    const expected = await gradCam(x, model, {target: [0, 1], normalize: false, relu: false});
    expectClose(
      positive!.data,
      expected[1]!.data.map((value) => value * 15),
      {relToMax: 1e-5},
      'positive',
    );
    expectClose(
      negative!.data,
      positive!.data.map((value) => -value),
      {abs: 1e-7},
      'negative',
    );
  });

  it('finds the head inside nested models, and stops by its signal', async () => {
    const inner = sequential({
      name: 'head',
      layers: [layers.globalAveragePooling2d({inputShape: [3, 5, 4]} as never), dense(3, 'softmax')],
    });
    const model = ending(inner);
    const x = images(4);
    await expectNoLeak(async () => {
      expect((await classActivationMapExplainer(model, {target: 1}).explain(x))[0]!.options['layer']).toBe('map');
      const controller = new AbortController();
      const stopped = classActivationMap(x, model, {
        batchSize: 1,
        signal: controller.signal,
        onProgress: ({done}) => done === 2 && controller.abort(new Error('enough')),
      });
      await expect(stopped).rejects.toThrow('enough');
    });
    const whole = await classActivationMap(x, model, {batchSize: 100});
    expectClose(
      (await classActivationMap(x, model, {batchSize: 1})).flatMap(({data}) => [...data]),
      whole.flatMap(({data}) => [...data]),
      {abs: 1e-5},
      'batch size',
    );
  });

  const others: [string, () => layers.Layer[], RegExp][] = [
    ['a flattened map', () => [layers.flatten(), dense(3, 'softmax')], /Conv2D 'map'/],
    ['maximum pooling', () => [layers.globalMaxPooling2d({} as never), dense(3, 'softmax')], /GlobalMaxPooling2D/],
    [
      'two dense layers',
      () => [gap(), layers.dense({units: 5, activation: 'relu', name: 'hidden'}), dense(3, 'softmax')],
      /Dense 'hidden'/,
    ],
    ['pooling in parts', () => [layers.averagePooling2d({poolSize: 2}), layers.flatten(), dense(3, 'softmax')], /AveragePooling2D/],
    ['a 3×3 convolution in front of the pooling', () => [pointwise(3, 'linear', 3), gap(), layers.softmax()], /Conv2D/],
    ['an activation between convolution and pooling', () => [pointwise(3, 'relu'), gap(), layers.softmax()], /Conv2D/],
    ['an average of probabilities', () => [pointwise(3, 'softmax'), gap()], /Conv2D/],
    ['two closing activations', () => [gap(), dense(3, 'sigmoid'), layers.softmax()], /two activations/],
    [
      'a batch norm in the head',
      () => [gap(), layers.batchNormalization({name: 'norm'}), dense(3, 'softmax')],
      /BatchNormalization 'norm'/,
    ],
  ];
  it.each(others)('refuses %s, and says what is there', async (_name, tail, what) => {
    const model = ending(...tail());
    const x = images();
    await expectNoLeak(async () => {
      const error = await classActivationMap(x, model).catch((reason: unknown) => reason as Error);
      expect(error).toBeInstanceOf(UnsupportedModelError);
      expect((error as Error).message).toMatch(what);
      expect((error as Error).message).toMatch(/global average pooling and one Dense or 1×1 Conv2D.*gradCam\(\)/);
    });
  });

  it('refuses a model that averages the image itself', async () => {
    const model = sequential({layers: [layers.globalAveragePooling2d({inputShape: [6, 10, 3]} as never), dense(3, 'softmax')]});
    await expect(
      classActivationMap(
        tidy(() => images()),
        model,
      ),
    ).rejects.toThrow(/averages the image itself/);
  });
});
