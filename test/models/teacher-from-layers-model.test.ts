import {
  getBackend,
  getKernel,
  grad,
  log,
  mul,
  randomUniform,
  sigmoid,
  softmax,
  sub,
  sum,
  tensor1d,
  tensor4d,
  zeros,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {inBrowser} from '../helpers/environment.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {golden} from '../helpers/golden.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {loadStoredModel, type StoredModel} from '../helpers/stored-model.js';

type Symbolic = ReturnType<typeof input>;
type Layer = ReturnType<typeof layers.dense>;
// Without this kernel tfjs cannot differentiate a convolution: the bare wasm backend.
const differentiates = getKernel('Conv2DBackpropFilter', getBackend()) != null;
const shape = [8, 6, 3] as const;
const images = (n = 3): Tensor4D => randomUniform([n, ...shape], -1, 1, 'float32', 7) as Tensor4D;
const apply = (layer: unknown, x: unknown): Symbolic => (layer as Layer).apply(x as Symbolic) as Symbolic;
const read = (tensor: unknown): Promise<Float32Array> => (tensor as Tensor).data<'float32'>();

/** An image, a strided convolution, then `tail`. */
function ending(tail: (features: Symbolic) => Symbolic): LayersModel {
  const image = input({shape: [...shape]});
  return functional({
    inputs: image,
    outputs: tail(apply(layers.conv2d({filters: 4, kernelSize: 3, activation: 'tanh'}), image)),
    name: 'net',
  });
}

const gap = (x: Symbolic): Symbolic => apply(layers.globalAveragePooling2d({} as never), x);
const dense =
  (units: number, activation?: string) =>
  (x: Symbolic): Symbolic =>
    apply(layers.dense({units, activation: activation as never, biasInitializer: 'randomNormal'}), x);

const softmaxTails: Record<string, (x: Symbolic) => Symbolic> = {
  'Dense(softmax)': (x) => dense(5, 'softmax')(gap(x)),
  'Activation(softmax)': (x) => apply(layers.activation({activation: 'softmax'}), dense(5)(gap(x))),
  'Softmax layer': (x) => apply(layers.softmax({axis: -1}), dense(5)(gap(x))),
  'Softmax layer, default axis': (x) => apply(layers.softmax(), dense(5)(gap(x))),
  'Conv2D(softmax), Reshape': (x) =>
    apply(
      layers.reshape({targetShape: [5]}),
      apply(layers.conv2d({filters: 5, kernelSize: 1, activation: 'softmax'}), apply(layers.reshape({targetShape: [1, 1, 4]}), gap(x))),
    ),
  'softmax, Flatten, Dropout': (x) =>
    apply(
      layers.dropout({rate: 0.5}),
      apply(layers.flatten(), apply(layers.activation({activation: 'softmax'}), apply(layers.reshape({targetShape: [1, 1, 4]}), gap(x)))),
    ),
  'Conv2D(softmax) [N,1,1,K]': (x) =>
    apply(layers.conv2d({filters: 5, kernelSize: 1, activation: 'softmax'}), apply(layers.reshape({targetShape: [1, 1, 4]}), gap(x))),
  'nested model': (x) => {
    const inner = input({shape: [6, 4, 4]});
    return apply(functional({inputs: inner, outputs: dense(5, 'softmax')(gap(inner))}), x);
  },
  'nested Sequential in a nested model': (x) => {
    const inner = input({shape: [6, 4, 4]});
    const head = sequential({
      layers: [layers.dense({units: 6, activation: 'relu', inputShape: [4]}), layers.dense({units: 5}), layers.softmax({axis: 1})],
    });
    return apply(functional({inputs: inner, outputs: apply(head, gap(inner))}), x);
  },
  residual: (x) =>
    dense(
      5,
      'softmax',
    )(gap(apply(layers.add(), [x, apply(layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', activation: 'sigmoid'}), x)]))),
  'average of two softmaxes': (x) =>
    apply(layers.average(), [dense(5, 'softmax')(gap(x)), apply(layers.softmax({axis: -1}), dense(5)(gap(x)))]),
  'softmax per pixel, averaged': (x) => gap(apply(layers.conv2d({filters: 5, kernelSize: 1, activation: 'softmax'}), x)),
};

describe('teacherFromLayersModel', () => {
  it.each(Object.keys(softmaxTails))('finds the logits in front of: %s', async (name) => {
    const model = ending(softmaxTails[name]!);
    const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
    const x = images();
    const logits = teacher.logits(x);
    expect(logits.shape).toEqual([3, teacher.numClasses]);
    const expected = await read(model.predict(x));
    expectClose(await read(softmax(logits)), expected, {abs: 1e-6}, 'softmax of the logits');
    expect(Math.max(...(await read(sub(softmax(logits), logits))).map(Math.abs)), 'not the probabilities again').toBeGreaterThan(0.05);
  });

  it('takes the input of a single sigmoid, fused or not', async () => {
    for (const tail of [
      (x: Symbolic) => dense(1, 'sigmoid')(gap(x)),
      (x: Symbolic) => apply(layers.activation({activation: 'sigmoid'}), dense(1)(gap(x))),
    ]) {
      const model = ending(tail);
      const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
      expect(teacher.numClasses).toBe(1);
      expectClose(await read(sigmoid(teacher.logits(images()))), await read(model.predict(images())), {abs: 1e-6});
    }
  });

  it('takes the output of a model that closes linear or with log-softmax as it is', async () => {
    for (const tail of [(x: Symbolic) => dense(5)(gap(x)), (x: Symbolic) => gap(x), (x: Symbolic) => dense(5, 'logSoftmax')(gap(x))]) {
      const model = ending(tail);
      expect(await read(teacherFromLayersModel(model, {preprocessing: 'unit'}).logits(images()))).toEqual(
        await read(model.predict(images())),
      );
    }
  });

  it.runIf(differentiates)('has the right gradient with respect to the image, through incomplete batch norms too', async () => {
    const model = ending((x) =>
      dense(5, 'softmax')(gap(apply(layers.batchNormalization({scale: false}), apply(layers.batchNormalization({center: false}), x)))),
    );
    const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
    await expectGradient((x) => sum(mul(teacher.logits(x as Tensor4D), [3, -2, 1, 4, 1])) as Scalar, images(1));
  });

  it.runIf(differentiates)('has a finite gradient through the average of softmaxes, which is that of log p', async () => {
    const model = ending(softmaxTails['average of two softmaxes']!);
    const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
    const pick = tensor1d([1, 0, 0, 0, 0]);
    const actual = grad((x: Tensor) => sum(mul(teacher.logits(x as Tensor4D), pick)))(images(1));
    const expected = grad((x: Tensor) => sum(mul(log(model.apply(x) as Tensor), pick)))(images(1));
    expectClose(await read(actual), await read(expected), {abs: 1e-6});
  });

  it('leaves the model as it was and leaks nothing', async () => {
    const model = ending((x) => dense(5, 'softmax')(apply(layers.dropout({rate: 0.9}), gap(apply(layers.batchNormalization(), x)))));
    model.layers[1]!.trainable = false;
    const state = async (): Promise<unknown> => ({
      weights: await Promise.all(model.weights.map(async (weight) => [weight.name, weight.trainable, ...(await read(weight.read()))])),
      layers: model.layers.map((layer) => [
        layer.name,
        layer.trainable,
        layer.inboundNodes.length,
        layer.outboundNodes.length,
        JSON.stringify(layer.getConfig()),
      ]),
    });
    const x = images();
    const before = await state();
    const pixels = [...(await read(x))];
    await expectNoLeak(async () => {
      const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
      teacher.logits(x).dispose();
      if (differentiates) grad((at: Tensor) => sum(teacher.logits(at as Tensor4D)))(x).dispose();
      expect(await readAndDispose(teacher.logits(x))).toEqual(await readAndDispose(teacher.logits(x)));
    });
    expect(await state()).toEqual(before);
    expect([...(await read(x))]).toEqual(pixels);
  });

  it('carries name, labels, sizes and preprocessing', () => {
    const model = ending(softmaxTails['Dense(softmax)']!);
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const teacher = teacherFromLayersModel(model, {preprocessing: 'torch', labels});
    expect(teacher).toMatchObject({name: 'net', inputShape: [8, 6, 3], numClasses: 5, labels, preprocessing: {scale: 1 / 255}});
    expect(teacher.model).toBe(model);
    expect(teacherFromLayersModel(model, {preprocessing: 'tf', name: 'mine'}).name).toBe('mine');
    expect(() => teacherFromLayersModel(model, {preprocessing: 'tf', labels: ['a']})).toThrow(
      'labels must have 5 entries, one per class, but has 1',
    );
    expect(() => teacherFromLayersModel(model, {preprocessing: {scale: 1, mean: [1, 2], std: 1}})).toThrow(
      'preprocessing.mean must have 3 values',
    );
    expect(() => teacher.logits(zeros([1, 6, 8, 3]))).toThrow('images must have shape [?, 8, 6, 3], but has [1, 6, 8, 3]');
  });

  it('wants the input shape where the model leaves it open', () => {
    const image = input({shape: [null, null, 3]});
    const model = functional({inputs: image, outputs: dense(4, 'softmax')(gap(apply(layers.conv2d({filters: 2, kernelSize: 3}), image)))});
    expect(() => teacherFromLayersModel(model, {preprocessing: 'unit'})).toThrow(/leaves its input open \(\[\?, \?, 3\]\).*inputShape/);
    expect(teacherFromLayersModel(model, {preprocessing: 'unit', inputShape: [9, 5, 3]}).logits(zeros([2, 9, 5, 3])).shape).toEqual([2, 4]);
    expect(() => teacherFromLayersModel(model, {preprocessing: 'unit', inputShape: [9, 5, 1]})).toThrow(RangeError);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'several inputs',
      () =>
        ((a, b) => functional({inputs: [a, b], outputs: dense(2, 'softmax')(gap(apply(layers.add(), [a, b])))}))(
          input({shape: [4, 4, 3]}),
          input({shape: [4, 4, 3]}),
        ),
      /2 inputs and 1 outputs/,
    ],
    [
      'several outputs',
      () => ((a) => functional({inputs: a, outputs: [gap(a), gap(a)]}))(input({shape: [4, 4, 3]})),
      /1 inputs and 2 outputs/,
    ],
    ['an input that is no image', () => sequential({layers: [layers.dense({units: 3, inputShape: [7]})]}), /has shape \[\?, 7\]/],
    ['a feature map as output', () => ending((x) => x), /feature map without a classifier/],
    [
      'channels first',
      () =>
        sequential({
          layers: [layers.conv2d({filters: 2, kernelSize: 1, dataFormat: 'channelsFirst', inputShape: [3, 4, 4]}), layers.flatten()],
        }),
      /channels first/,
    ],
    ['another activation', () => ending((x) => dense(3, 'tanh')(gap(x))), /activation 'tanh'/],
    [
      'a softmax over another axis',
      () => ending((x) => apply(layers.flatten(), apply(layers.conv2d({filters: 4, kernelSize: 1, activation: 'softmax'}), x))),
      /not over the 96 classes/,
    ],
    ['a softmax over one class', () => ending((x) => dense(1, 'softmax')(gap(x))), /always 1/],
    [
      'a recurrent output',
      () =>
        ending((x) =>
          apply(layers.lstm({units: 3, recurrentInitializer: 'glorotNormal'}), apply(layers.reshape({targetShape: [24, 4]}), x)),
        ),
      /no image classifier/,
    ],
    ['a GraphModel', () => ({inputs: [], outputs: [], execute: () => undefined}), /GraphModel/],
  ])('refuses %s and says what is needed', (_, make, message) => {
    const call = (): unknown => teacherFromLayersModel(make() as LayersModel, {preprocessing: 'unit'});
    expect(call).toThrow(UnsupportedModelError);
    expect(call).toThrow(message);
    expect(call).toThrow(/Needed is a LayersModel with one image input/);
  });

  it.each<[string, () => unknown, unknown, new (message: string) => Error, string]>([
    ['nothing', () => null, {}, TypeError, 'model must be a LayersModel, but is null.'],
    ['a promise', () => Promise.resolve(), {}, TypeError, 'model must be a LayersModel, but is a promise (await it first).'],
    ['a score function', () => () => [[1]], {}, TypeError, 'model must be a LayersModel, but is a function.'],
    [
      'a disposed model',
      () => {
        const model = ending(softmaxTails['Dense(softmax)']!);
        model.dispose();
        return model;
      },
      {},
      TypeError,
      'model must be a LayersModel, but is one that has been disposed.',
    ],
    ['a misspelt option', () => ending(gap), {lables: ['a']}, TypeError, "there is no option 'lables'. Did you mean 'labels'?"],
    ['a name that is no text', () => ending(gap), {name: 5}, TypeError, 'name must be a text, but is 5.'],
    ['labels that are a text', () => ending(gap), {labels: 'abcd'}, TypeError, 'labels must be a list of a text, but is "abcd".'],
    ['two sizes', () => ending(gap), {inputShape: [8, 6]}, RangeError, 'inputShape must be [height, width, channels], but is [8, 6].'],
    [
      'a size of 0',
      () => ending(gap),
      {inputShape: [8, 0, 3]},
      RangeError,
      'inputShape[1] must be a whole number of at least 1, but is 0.',
    ],
    ['another size', () => ending(gap), {inputShape: [8, 7, 3]}, RangeError, 'inputShape must have shape [8, 6, 3], but has [8, 7, 3].'],
    ['a preprocessing of none', () => ending(gap), {preprocessing: {scale: 1}}, TypeError, 'preprocessing.mean must be'],
  ])('refuses %s, naming the argument', (_, make, options, kind, message) => {
    const call = (): unknown => teacherFromLayersModel(make() as LayersModel, options as never);
    expect(call).toThrow(kind);
    expect(call).toThrow(`teacherFromLayersModel: ${message}`);
  });

  it('is asked with tensors only', () => {
    const teacher = teacherFromLayersModel(ending(gap));
    const gone = images();
    gone.dispose();
    expect(() => teacher.logits(gone)).toThrow('logits: images must be a tensor, but is a disposed Tensor of shape [3, 8, 6, 3].');
    expect(() => teacher.logits([1] as never)).toThrow(TypeError);
  });

  it('agrees with predict on the model of the stored numbers', async () => {
    const stored = await golden<{
      models: StoredModel[];
      cases: {image: {shape: number[]; values: Float32Array}; logits: {values: Float64Array}}[];
    }>('causal_metrics');
    const model = await loadStoredModel(stored.models[0]!);
    for (const {image, logits} of stored.cases) {
      const [height, width, channels] = image.shape as [number, number, number];
      const teacher = teacherFromLayersModel(model, {preprocessing: 'none', inputShape: [height, width, channels]});
      const x = tensor4d(image.values, [1, height, width, channels]);
      expectClose(await read(teacher.logits(x)), logits.values, {abs: 2e-5}, 'logits');
    }
  });

  const zoo = ['resnet20_cifar10', 'mobilenet_v1_025_128', 'mobilenet_v2_100_224', 'densenet121_224'];
  it.for(zoo)('agrees with predict on %s', {timeout: 240_000}, async (name, {skip}) => {
    if (name.endsWith('_224') && (inBrowser || getBackend() === 'cpu')) skip('Takes minutes here; run with AKD_BACKEND=wasm.');
    const model = (await loadDataModel(name)) ?? skip(`There is no ${name} in ${dataFolder} (AKD_DATA).`);
    const teacher = teacherFromLayersModel(model, {preprocessing: 'torch'});
    const x = randomUniform([2, ...teacher.inputShape], -1.5, 1.5, 'float32', 3) as Tensor4D;
    await expectNoLeak(() => {
      teacher.logits(x).dispose();
    });
    expectClose(await read(softmax(teacher.logits(x))), await read(model.predict(x)), {abs: 1e-6}, name);
    model.dispose();
  });
});

async function readAndDispose(logits: Tensor): Promise<Float32Array> {
  const values = await read(logits);
  logits.dispose();
  return values;
}
