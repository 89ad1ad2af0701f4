/** Models that Keras has written, against what Keras computes; and what cannot be computed. */
import '../helpers/use-wasm.js';
import {existsSync, readdirSync} from 'node:fs';
import {io, memory, square, sum, tensor, tidy, type Scalar, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {AttentiveDistiller, gradCam, ModelFileError} from '../../src/index.js';
import {loadLayersModelFromFiles} from '../../src/node/index.js';
import {registerLayers} from '../../src/layers/register-layers.js';
import {translateKeras} from '../../src/files/keras/translate-keras.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {dataFolder, goldenFolders, readBytes} from '../helpers/files.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {models, layers as tfLayers} from '@tensorflow/tfjs-layers';

const goldens = goldenFolders.map((folder) => `${folder}/keras3`).find(existsSync) ?? '';
const names = goldens === '' ? [] : readdirSync(goldens, {withFileTypes: true}).filter((each) => each.isDirectory()).map(({name}) => name); // prettier-ignore
const teachers = ['multi', 'norm_resize', 'swish', 'vit'] as const;
const hasTeachers = (await readBytes(`${dataFolder}/keras-teachers/vit/model.json`)) !== undefined;

interface Expected {
  readonly x: number[];
  readonly shape: number[];
  readonly y: number[];
}

const json = async <T>(path: string): Promise<T> => JSON.parse(new TextDecoder().decode((await readBytes(path))!)) as T;

describe.skipIf(names.length === 0)('a model of Keras 3', () => {
  it('is there', () => expect(names).toHaveLength(44));

  it.each(names)('%s computes what Keras computes', (name) =>
    expectNoLeak(async () => {
      const {x, shape, y} = await json<Expected>(`${goldens}/${name}/io.json`);
      const model = await loadLayersModelFromFiles(`${goldens}/${name}`);
      const output = tidy(() => model.predict(tensor(x, shape)) as Tensor);
      expectClose(await output.data(), y, {abs: 1e-4});
      output.dispose();
      disposeModel(model);
    }),
  );
});

async function teacherInput(name: string): Promise<{images: Tensor4D; expected: number[]}> {
  const folder = `${dataFolder}/keras-teachers/${name}`;
  const {x, y} = await json<{x: [number, number, number, number]; y: number[][]}>(`${folder}/expected.json`);
  return {images: tensor(new Float32Array((await readBytes(`${folder}/input.f32`))!), x), expected: y.flat()};
}

describe.skipIf(!hasTeachers)('a trained teacher of Keras 3', () => {
  it.each(teachers)('%s computes what Keras computes', (name) =>
    expectNoLeak(async () => {
      const {images, expected} = await teacherInput(name);
      const model = await loadLayersModelFromFiles(`${dataFolder}/keras-teachers/${name}`);
      const output = tidy(() => model.predict(images) as Tensor);
      expectClose(await output.data(), expected, {abs: 1e-4});
      [output, images].forEach((each) => each.dispose());
      disposeModel(model);
    }),
  );

  it.each(['norm_resize', 'swish'])('%s is distilled and explained', {timeout: 120_000}, async (name) => {
    const before = memory().numTensors;
    const {images} = await teacherInput(name);
    const teacher = await loadLayersModelFromFiles(`${dataFolder}/keras-teachers/${name}`);
    const distiller = await AttentiveDistiller.create({teacher, seed: 1});
    const {steps} = await distiller.train([{images}], {budget: {steps: 3}});
    expect(steps).toBe(3);
    const maps = await distiller.explain(images);
    const cams = await gradCam(images, distiller.teacher);
    for (const map of [...maps, ...cams]) expect([map.empty, map.data.every(Number.isFinite)]).toEqual([false, true]);
    distiller.dispose();
    images.dispose();
    disposeModel(teacher);
    expect(memory().numTensors).toBe(before);
  });
});

/** A functional model of Keras 3: layers that read those named. */
function functional(
  shape: readonly number[],
  ...members: [className: string, config: object, args: unknown[], kwargs?: object, module?: string][]
): object {
  const layers = members.map(([className, config, args, kwargs = {}, module = 'keras.layers'], index) => ({
    module,
    class_name: className,
    config: {name: `layer${index}`, ...config},
    name: `layer${index}`,
    inbound_nodes: [{args, kwargs}],
  }));
  const input = {
    class_name: 'InputLayer',
    config: {name: 'image', batch_shape: [null, ...shape], dtype: 'float32'},
    name: 'image',
    inbound_nodes: [],
  };
  const config = {
    name: 'functional',
    layers: [input, ...layers],
    input_layers: [['image', 0, 0]],
    output_layers: [[`layer${members.length - 1}`, 0, 0]],
  };
  return {keras_version: '3.15.1', model_config: {class_name: 'Functional', config}};
}

const from = (name: string): object => ({
  class_name: '__keras_tensor__',
  config: {shape: [null], dtype: 'float32', keras_history: [name, 0, 0]},
});

async function computed(topology: object, x: number[], shape: number[], weights: number[][] = []): Promise<[number[], number[]]> {
  registerLayers();
  const {modelTopology} = translateKeras('file', {modelTopology: topology});
  const model = await models.modelFromJSON({modelTopology} as Parameters<typeof models.modelFromJSON>[0]);
  model.weights.forEach((weight, index) => weight.write(tensor(weights[index]!, weight.shape as number[])));
  const output = tidy(() => model.predict(tensor(x, shape)) as Tensor);
  const found: [number[], number[]] = [output.shape, [...(await output.data())]];
  output.dispose();
  return found;
}

describe('a layer', () => {
  const line = (className: string, config: object): object => functional([1, 4, 1], [className, config, [from('image')]]);
  const four = [-2, -1, 1, 2];

  it.each<[string, object, number[]]>([
    ['ReLU with a slope', line('ReLU', {negative_slope: 0.5}), [-1, -0.5, 1, 2]],
    [
      'ReLU with a threshold and a ceiling',
      line('ReLU', {negative_slope: 0.5, threshold: 1.5, max_value: 1.75}),
      [-1.75, -1.25, -0.25, 1.75],
    ],
    ['hard_sigmoid of Keras 3', line('Activation', {activation: 'hard_sigmoid'}), [1 / 6, 1 / 3, 2 / 3, 5 / 6]],
    ['hard_silu', line('Activation', {activation: 'hard_silu'}), [-1 / 3, -1 / 3, 2 / 3, 5 / 3]],
    ['leaky_relu', line('Activation', {activation: 'leaky_relu'}), [-0.4, -0.2, 1, 2]],
    ['mish', line('Activation', {activation: 'mish'}), four.map((x) => x * Math.tanh(Math.log(1 + Math.exp(x))))],
    ['exponential', line('Activation', {activation: 'exponential'}), four.map(Math.exp)],
    ['ELU with alpha', line('ELU', {alpha: 0.5}), four.map((x) => (x > 0 ? x : 0.5 * (Math.exp(x) - 1)))],
    ['a unit normalization', line('UnitNormalization', {axis: 2}), four.map((x) => x / Math.sqrt(10))],
    ['arithmetic with a number', functional([1, 4, 1], ['Subtract', {}, [10, from('image')], {}, 'keras.src.ops.numpy']), [12, 11, 9, 8]],
    [
      'arithmetic of two values',
      functional([1, 4, 1], ['Activation', {activation: 'relu'}, [from('image')]], ['Subtract', {}, [from('image'), from('layer0')]]),
      [-2, -1, 0, 0],
    ],
  ])('%s', async (_, topology, expected) => {
    const [shape, values] = await computed(topology, four, [1, 1, 4, 1]);
    expect(shape).toEqual([1, 1, 4, 1]);
    expectClose(Float32Array.from(values), expected, {abs: 1e-5});
  });

  it('bilinear enlarging has half-pixel centres, in Keras 2 on TensorFlow 2 too', async () => {
    const topology = functional([1, 2, 1], ['UpSampling2D', {size: [1, 2], interpolation: 'bilinear'}, [from('image')]]);
    expect(await computed(topology, [0, 1], [1, 1, 2, 1])).toEqual([
      [1, 1, 4, 1],
      [0, 0.25, 0.75, 1],
    ]);
  });

  it('a dilated depthwise convolution', async () => {
    const config = {kernel_size: [3, 3], strides: [1, 1], padding: 'valid', depth_multiplier: 1, dilation_rate: [2, 2], use_bias: false};
    const topology = functional([5, 5, 1], ['DepthwiseConv2D', config, [from('image')]]);
    const kernel = [1, 0, 0, 0, 0, 0, 0, 0, 10];
    const ramp = Array.from({length: 25}, (__, index) => index);
    expect(await computed(topology, ramp, [1, 5, 5, 1], [kernel])).toEqual([[1, 1, 1, 1], [240]]);
  });

  it('GroupNormalization: mean 0 and variance 1 in each group', async () => {
    const topology = functional([1, 2, 4], ['GroupNormalization', {groups: 2, epsilon: 0, scale: false, center: false}, [from('image')]]);
    const [, values] = await computed(topology, [1, 3, 10, 10, 1, 3, 20, 20], [1, 1, 2, 4]);
    expectClose(Float32Array.from(values), [-1, 1, -1, -1, -1, 1, 1, 1], {abs: 1e-5});
  });

  it.each<[string, object, RegExp]>([
    [
      'an activation that is not known',
      line('Activation', {activation: 'sparsemax'}),
      /'layer0' \(Activation\) cannot be computed: its activation is 'sparsemax'/,
    ],
    ['cubic enlarging', line('UpSampling2D', {size: [1, 2], interpolation: 'bicubic'}), /its interpolation is "bicubic"/],
    ['an operation', functional([1, 4, 1], ['Sort', {}, [from('image')], {}, 'keras.src.ops.numpy']), /is the operation keras.ops.Sort/],
    [
      'a mask',
      functional(
        [4, 2],
        ['MultiHeadAttention', {num_heads: 1, key_dim: 2}, [from('image'), from('image')], {attention_mask: from('image')}],
      ),
      /called with attention_mask: another layer/,
    ],
    ['an option that is not known', line('Dense', {units: 2, activation: 'relu', mystery: 3}), /its option mystery is 3/],
  ])('is refused: %s', (_, topology, message) => {
    expect(() => translateKeras('file', {modelTopology: topology})).toThrow(ModelFileError);
    expect(() => translateKeras('file', {modelTopology: topology})).toThrow(message);
  });

  it.each<[string, object, number[], number[]]>([
    ['KerasReLU', line('ReLU', {negative_slope: 0.5, threshold: 0.3, max_value: 1.6}), [1, 4, 1], []],
    ['KerasELU', line('ELU', {alpha: 0.5}), [1, 4, 1], []],
    ['hard_silu', line('Activation', {activation: 'hard_silu'}), [1, 4, 1], []],
    ['KerasRescaling', functional([2, 2, 2], ['Rescaling', {scale: [2, 3], offset: 1}, [from('image')]]), [2, 2, 2], []],
    [
      'KerasNormalization',
      functional([2, 2, 2], ['Normalization', {axis: -1, mean: [0, 1], variance: [1, 4]}, [from('image')]]),
      [2, 2, 2],
      [],
    ],
    ['KerasResizing', functional([3, 3, 2], ['Resizing', {height: 4, width: 5}, [from('image')]]), [3, 3, 2], []],
    ['KerasCenterCrop', functional([4, 4, 2], ['CenterCrop', {height: 2, width: 3}, [from('image')]]), [4, 4, 2], []],
    [
      'KerasUpSampling2D',
      functional([2, 3, 2], ['UpSampling2D', {size: [2, 2], interpolation: 'bilinear'}, [from('image')]]),
      [2, 3, 2],
      [],
    ],
    ['KerasGlobalMaxPooling2D', functional([2, 3, 2], ['GlobalMaxPooling2D', {keepdims: true}, [from('image')]]), [2, 3, 2], []],
    ['KerasGlobalAveragePooling2D', functional([2, 3, 2], ['GlobalAveragePooling2D', {keepdims: true}, [from('image')]]), [2, 3, 2], []],
    [
      'KerasGroupedConv2D',
      functional(
        [4, 4, 4],
        ['Conv2D', {filters: 4, kernel_size: [3, 3], strides: [1, 1], padding: 'same', groups: 2, use_bias: false}, [from('image')]],
      ),
      [4, 4, 4],
      [72],
    ],
    [
      'KerasDepthwiseConv2D',
      functional(
        [6, 6, 2],
        [
          'DepthwiseConv2D',
          {kernel_size: [3, 3], strides: [1, 1], padding: 'same', dilation_rate: [2, 2], use_bias: false},
          [from('image')],
        ],
      ),
      [6, 6, 2],
      [18],
    ],
    [
      'KerasGroupNormalization',
      functional([2, 2, 4], ['GroupNormalization', {groups: 2, scale: false, center: false}, [from('image')]]),
      [2, 2, 4],
      [],
    ],
    ['KerasUnitNormalization', line('UnitNormalization', {axis: 2}), [1, 4, 1], []],
    ['KerasArithmetic', functional([1, 4, 1], ['Divide', {}, [from('image'), 4], {}, 'keras.src.ops.numpy']), [1, 4, 1], []],
    [
      'KerasMultiHeadAttention',
      functional([3, 4], ['MultiHeadAttention', {num_heads: 2, key_dim: 3, use_bias: false}, [from('image'), from('image')]]),
      [3, 4],
      [24, 24, 24, 24],
    ],
  ])('%s has the right gradient', async (_, topology, shape, sizes) => {
    registerLayers();
    const {modelTopology} = translateKeras('file', {modelTopology: topology});
    const model = await models.modelFromJSON({modelTopology} as Parameters<typeof models.modelFromJSON>[0]);
    const wave = (length: number): number[] => Array.from({length}, (__, index) => Math.sin(1 + 2.3 * index));
    expect(model.weights.map((weight) => weight.read().size)).toEqual(sizes);
    for (const weight of model.weights) weight.write(tensor(wave(weight.read().size), weight.shape as number[]));
    const at = tensor(wave(shape.reduce((a, b) => a * b, 1)), [1, ...shape]);
    await expectGradient((x) => sum<Scalar>(square(model.apply(x) as Tensor)), at, {step: 1e-3});
    disposeModel(model);
  });

  it('Normalization takes adapted weights and leaves the count out', async () => {
    const topology = functional([1, 1, 2], ['Normalization', {axis: -1}, [from('image')]]);
    const specs = ['mean', 'variance', 'count'].map((name) => ({
      name: `layer0/${name}`,
      shape: name === 'count' ? [] : [2],
      dtype: 'float32' as const,
    }));
    const artifacts = {modelTopology: topology, weightSpecs: specs, weightData: Float32Array.from([1, 2, 4, 9, 77]).buffer};
    const {weightSpecs, weightData} = translateKeras('file', artifacts);
    expect(weightSpecs!.map(({name}) => name)).toEqual(['layer0/mean', 'layer0/variance']);
    expect([...new Float32Array(io.CompositeArrayBuffer.join(weightData))]).toEqual([1, 2, 4, 9]);
    expect(
      await computed(
        topology,
        [3, 5],
        [1, 1, 1, 2],
        [
          [1, 2],
          [4, 9],
        ],
      ),
    ).toEqual([
      [1, 1, 1, 2],
      [1, 1],
    ]);
  });

  it('leaves alone what tf.layers has saved itself', () => {
    const model = tfLayers.reLU({maxValue: 2, inputShape: [2]});
    const saved = {keras_version: 'tfjs-layers 4.22.0', model_config: {class_name: 'ReLU', config: model.getConfig()}};
    const artifacts = {modelTopology: saved};
    expect(translateKeras('file', artifacts)).toBe(artifacts);
  });
});
