import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {cp, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, relative} from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import {io, memory, tensor2d, tidy, zeros, type Tensor} from '@tensorflow/tfjs-core';
import {layers, loadLayersModel, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import {loadLayersModelFromFiles} from '../../src/files/load-layers-model.js';
import {fileModelHandler} from '../../src/files/model-files.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

type Manifest = {modelTopology: any; format?: string; weightsManifest: {paths: string[]; weights: any[]}[]}; // eslint-disable-line @typescript-eslint/no-explicit-any

let root: string;
let folder: string;
let count = 0;
const x = [[1, 2, -1]];

/** y = relu(x·W1 + b1)·W2 + b2 with these numbers; the answer is worked out below. */
const W1 = [1, 0, 0.5, -1, 2, 1];
const W2 = [3, -2];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'model-files-'));
});
afterAll(() => rm(root, {recursive: true}));
beforeEach(async () => {
  folder = join(root, `model ${count++} #1%`);
  await mkdir(folder);
});

function floats(...values: number[]): Buffer {
  return Buffer.from(new Float32Array(values).buffer);
}

/** Writes a two-layer model with one shard per layer. */
async function writeModel(change: (manifest: Manifest) => void = () => undefined): Promise<void> {
  const topology = {
    keras_version: '2.4.0',
    model_config: {
      class_name: 'Sequential',
      config: {
        name: 'two',
        layers: [
          {
            class_name: 'Dense',
            config: {name: 'first', units: 2, activation: 'relu', use_bias: true, batch_input_shape: [null, 3], dtype: 'float32'},
          },
          {class_name: 'Dense', config: {name: 'second', units: 1, activation: 'linear', use_bias: true, dtype: 'float32'}},
        ],
      },
    },
  };
  const spec = (name: string, shape: number[]): object => ({name, shape, dtype: 'float32'});
  const manifest: Manifest = {
    format: 'layers-model',
    modelTopology: topology,
    weightsManifest: [
      {paths: ['a.bin', 'b.bin'], weights: [spec('first/kernel', [3, 2]), spec('first/bias', [2])]},
      {paths: ['c.bin'], weights: [spec('second/kernel', [2, 1]), spec('second/bias', [1])]},
    ],
  };
  change(manifest);
  // The first group is cut in the middle of the kernel, as large groups are.
  const first = floats(...W1, 0.25, -3);
  await writeFile(join(folder, 'a.bin'), first.subarray(0, 10));
  await writeFile(join(folder, 'b.bin'), first.subarray(10));
  await writeFile(join(folder, 'c.bin'), floats(...W2, 10));
  await writeFile(join(folder, 'model.json'), JSON.stringify(manifest));
}

function run(model: LayersModel, rows: number[][] = x): Float32Array {
  return tidy(() => (model.predict(tensor2d(rows)) as Tensor).dataSync() as Float32Array);
}

/** The answer by hand: first = [1+1−2+.25, 0−2−1−3] = [.25, −6] → relu [.25, 0]; ·W2 + 10. */
const expected = [0.25 * 3 + 10];

async function expectRefused(pattern: RegExp): Promise<void> {
  await expectNoLeak(async () => {
    const error = await loadLayersModelFromFiles(folder).then(
      () => expect.fail('the model was loaded'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ModelFileError);
    expect((error as Error).message).toMatch(pattern);
  });
}

describe('loadLayersModelFromFiles', () => {
  it('reads a model of several groups and shards, from a folder, a file and URLs', async () => {
    await writeModel();
    const file = join(folder, 'model.json');
    for (const path of [
      folder,
      file,
      relative(process.cwd(), folder),
      `file://${relative(process.cwd(), file)}`,
      pathToFileURL(file),
      pathToFileURL(file).href,
    ]) {
      const model = await loadLayersModelFromFiles(path);
      expectClose(run(model), expected, {abs: 1e-6}, String(path));
      model.dispose();
    }
  });

  it('frees everything but the model, and the model too when disposed', async () => {
    await writeModel();
    await expectNoLeak(async () => {
      const before = memory().numTensors;
      const model = await loadLayersModelFromFiles(folder);
      expect(memory().numTensors - before).toBe(4);
      model.dispose();
    });
  });

  it('works as a handler for tfjs itself', async () => {
    await writeModel();
    const model = await loadLayersModel(fileModelHandler(folder));
    expectClose(run(model), expected, {abs: 1e-6});
    model.dispose();
  });

  it('loads what tfjs saves, with metadata and a trained optimiser, whose state is left out', async () => {
    const made = sequential({layers: [layers.dense({units: 2, inputShape: [3]})]});
    made.compile({optimizer: 'adam', loss: 'meanSquaredError'});
    const [ones, twos] = [tensor2d(x), tensor2d([[1, 2]])];
    await made.trainOnBatch(ones, twos);
    made.setUserDefinedMetadata({classes: ['a', 'b']});
    let saved: io.ModelArtifacts | undefined;
    await made.save(
      io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
      }),
      {includeOptimizer: true},
    );
    const {weightData, weightSpecs, ...rest} = saved!;
    expect(weightSpecs!.some(({group}) => group === 'optimizer')).toBe(true);
    await writeFile(join(folder, 'w.bin'), Buffer.from(weightData as ArrayBuffer));
    await writeFile(join(folder, 'model.json'), JSON.stringify({...rest, weightsManifest: [{paths: ['w.bin'], weights: weightSpecs}]}));
    const model = await loadLayersModelFromFiles(folder);
    expectClose(run(model), run(made), {});
    expect(model.getUserDefinedMetadata()).toEqual({classes: ['a', 'b']});
    expect(model.optimizer).toBeUndefined();
    model.dispose();
    made.dispose();
    made.optimizer.dispose();
    ones.dispose();
    twos.dispose();
  });

  it.each([
    ['uint8', 0.5, -1, Buffer.from([4, 2, 3, 0, 6, 4])],
    ['uint16', 0.5, -1, Buffer.from(new Uint16Array([4, 2, 3, 0, 6, 4]).buffer)],
    // 1, 0, 0.5, −1, 2, 1 as IEEE half floats.
    ['float16', undefined, undefined, Buffer.from(new Uint16Array([0x3c00, 0, 0x3800, 0xbc00, 0x4000, 0x3c00]).buffer)],
  ])('dequantises %s', async (dtype, scale, min, bytes) => {
    await writeModel((manifest) => {
      const group = manifest.weightsManifest[0]!;
      group.weights[0].quantization = {dtype, ...(scale === undefined ? {} : {scale, min})};
    });
    await writeFile(join(folder, 'a.bin'), bytes);
    await writeFile(join(folder, 'b.bin'), floats(0.25, -3));
    const model = await loadLayersModelFromFiles(folder);
    expectClose(model.getWeights()[0]!.dataSync(), W1, {abs: 1e-6});
    expectClose(run(model), expected, {abs: 1e-6});
    model.dispose();
  });

  it.each([
    ['an absolute path', '/etc/passwd', /leaves the model's folder/],
    ['a Windows path', 'C:\\a.bin', /leaves the model's folder/],
    ['a URL', 'http://x/a.bin', /leaves the model's folder/],
    ['a way up', 'sub/../../a.bin', /leaves the model's folder/],
    ['a way up with backslashes', '..\\a.bin', /leaves the model's folder/],
    ['nothing', '', /no file name/],
    ['a missing file', 'missing.bin', /"missing.bin".*missing.*copy every file/s],
    ['a folder', '.', /no regular file/],
  ])('refuses a shard that is %s', async (_, name, pattern) => {
    await writeModel((manifest) => (manifest.weightsManifest[1]!.paths = [name]));
    await expectRefused(pattern);
  });

  it('refuses a link out of the folder, and follows one within it', async () => {
    await writeModel();
    const outside = join(root, `outside-${count}.bin`);
    await rename(join(folder, 'c.bin'), outside);
    await symlink(outside, join(folder, 'c.bin'));
    await expectRefused(/is a link to .*leaves the model's folder/);
    await rm(join(folder, 'c.bin'));
    await rename(outside, join(folder, 'real.bin'));
    await symlink('real.bin', join(folder, 'c.bin'));
    const model = await loadLayersModelFromFiles(folder);
    expectClose(run(model), expected, {abs: 1e-6});
    model.dispose();
  });

  it('accepts names with two dots that are no way up, and sub-folders', async () => {
    await writeModel((manifest) => (manifest.weightsManifest[1]!.paths = ['sub/..c.bin']));
    await mkdir(join(folder, 'sub'));
    await rename(join(folder, 'c.bin'), join(folder, 'sub', '..c.bin'));
    (await loadLayersModelFromFiles(folder)).dispose();
  });

  it('refuses short and long shards with both sizes', async () => {
    await writeModel();
    await truncate(join(folder, 'b.bin'), 20);
    await expectRefused(/a\.bin, b\.bin are too short: 30 bytes, but model\.json describes 32/);
    await truncate(join(folder, 'b.bin'), 26);
    await expectRefused(/too long: 36 bytes/);
  });

  it.each<[string, (weight: Record<string, unknown>) => void, RegExp]>([
    ['an unknown dtype', (weight) => (weight['dtype'] = 'float64'), /"first\/kernel" has dtype "float64".*float32, int32/],
    ['text', (weight) => (weight['dtype'] = 'string'), /dtype "string"/],
    ['an unknown quantisation', (weight) => (weight['quantization'] = {dtype: 'int4'}), /quantisation "int4".*uint8/],
    ['a quantisation without scale', (weight) => (weight['quantization'] = {dtype: 'uint8'}), /without scale and min/],
    [
      'half floats of whole numbers',
      (weight) => Object.assign(weight, {dtype: 'int32', quantization: {dtype: 'float16'}}),
      /quantisation float16 of int32/,
    ],
    ['a negative size', (weight) => (weight['shape'] = [-3, 2]), /shape \[-3, 2\]/],
    ['no shape', (weight) => delete weight['shape'], /shape undefined/],
    ['no name', (weight) => delete weight['name'], /has no name/],
  ])('refuses a weight with %s', async (_, change, pattern) => {
    await writeModel((manifest) => change(manifest.weightsManifest[0]!.weights[0]));
    await expectRefused(pattern);
  });

  it.each<[string, string, RegExp]>([
    ['half a file', '{"modelTopology": {', /is not JSON/],
    ['no object', '[1]', /must hold a JSON object/],
    [
      'a GraphModel',
      '{"format": "graph-model", "modelTopology": {"node": []}, "weightsManifest": []}',
      /GraphModel: load it with loadTeacher/,
    ],
    ['a GraphModel that does not say so', '{"modelTopology": {"node": []}, "weightsManifest": []}', /GraphModel/],
    ['no topology', '{"weightsManifest": []}', /no modelTopology/],
    ['no weights', '{"modelTopology": {}}', /no weightsManifest/],
    ['files without weights', '{"modelTopology": {}, "weightsManifest": [{"paths": ["a.bin"]}]}', /no weightsManifest/],
    ['weights without files', '{"modelTopology": {}, "weightsManifest": [{"weights": []}]}', /no weightsManifest/],
  ])('refuses a model.json with %s', async (_, text, pattern) => {
    await writeFile(join(folder, 'model.json'), text);
    await expectRefused(pattern);
  });

  it.each<[string, (weight: Record<string, unknown>) => void, RegExp]>([
    ['a quantisation that is null', (weight) => (weight['quantization'] = null), /quantisation null; an object is needed/],
    ['a quantisation that is a word', (weight) => (weight['quantization'] = 'uint8'), /quantisation "uint8"; an object is needed/],
    ['the dtype of an object', (weight) => (weight['dtype'] = 'constructor'), /dtype "constructor"/],
    ['the name __proto__', (weight) => (weight['name'] = '__proto__'), /weight "__proto__" has that name/],
  ])('refuses a weight with %s', async (_, change, pattern) => {
    await writeModel((manifest) => change(manifest.weightsManifest[0]!.weights[0]));
    await expectRefused(pattern);
  });

  it('refuses a manifest that lists no weight where one should be', async () => {
    await writeModel((manifest) => (manifest.weightsManifest[0]!.weights[0] = null));
    await expectRefused(/a weight has no name/);
  });

  it('frees the weights of a layer that is used twice, too, where a name does not fit', async () => {
    const layer = (name: string, ...from: string[]): object => ({
      class_name: 'Dense',
      name,
      config: {name, units: 3, activation: 'linear', use_bias: true},
      inbound_nodes: from.map((each) => [[each, 0, 0, {}]]),
    });
    const modelTopology = {
      model_config: {
        class_name: 'Model',
        config: {
          name: 'shared',
          layers: [
            {class_name: 'InputLayer', name: 'in', config: {name: 'in', batch_input_shape: [null, 3], dtype: 'float32'}, inbound_nodes: []},
            layer('twice', 'in', 'twice'),
          ],
          input_layers: [['in', 0, 0]],
          output_layers: [['twice', 1, 0]],
        },
      },
    };
    const weights = [
      {name: 'twice/kernel', shape: [3, 3], dtype: 'float32'},
      {name: 'twice/misnamed', shape: [3], dtype: 'float32'},
    ];
    await writeFile(join(folder, 'model.json'), JSON.stringify({modelTopology, weightsManifest: [{paths: ['w.bin'], weights}]}));
    await writeFile(join(folder, 'w.bin'), floats(...new Array<number>(12).fill(1)));
    await expectRefused(/weights do not fit the topology.*twice\/misnamed/);
  });

  it('refuses layers that are wider than every weight before it builds them', async () => {
    await writeModel((manifest) => (manifest.modelTopology.model_config.config.layers[0].config.units = 3e8));
    const start = performance.now();
    await expectRefused(/a layer has units 300000000, but no weight is as large: the largest side is 3/);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('refuses what is nested ten thousand deep, and reads what is nested as models are', async () => {
    const nested = (depth: number): string => `{"a":`.repeat(depth) + '1' + '}'.repeat(depth);
    for (const depth of [600, 10_000]) {
      await writeFile(join(folder, 'model.json'), `{"modelTopology": ${nested(depth)}, "weightsManifest": []}`);
      await expectRefused(/is nested more than 500 deep|is not JSON/);
    }
    await writeModel((manifest) => (manifest.modelTopology.note = JSON.parse(nested(400))));
    (await loadLayersModelFromFiles(folder)).dispose();
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe as model.json instead of waiting for ever', async () => {
    const file = join(folder, 'model.json');
    await promisify(execFile)('mkfifo', [file]);
    await expectRefused(/model\.json cannot be read: it is no regular file/);
    await expect(loadLayersModelFromFiles(file)).rejects.toThrow(ModelFileError);
    await expect(fileModelHandler(folder).load!()).rejects.toThrow(/no regular file/);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'path must be a text or a file: URL, but is undefined.'],
    ['a promise', Promise.resolve('x'), 'path must be a text or a file: URL, but is a promise (await it first).'],
    ['an empty text', '', 'path must be a text or a file: URL, but is "".'],
    ['an object that cannot be made a text', {toString: null}, 'path must be a text or a file: URL, but is Object.'],
  ])('refuses %s as a path', async (_, path, message) => {
    await expect(loadLayersModelFromFiles(path as never)).rejects.toThrow(TypeError);
    await expect(loadLayersModelFromFiles(path as never)).rejects.toThrow(`loadLayersModelFromFiles: ${message}`);
    expect(() => fileModelHandler(path as never)).toThrow(TypeError);
    expect(() => fileModelHandler(path as never)).toThrow(`fileModelHandler: ${message}`);
  });

  it.each([[null], [[]], [Promise.resolve({})], [{Mine: {}}], ['Mine']])('refuses %o as customObjects', async (customObjects) => {
    await writeModel();
    await expect(loadLayersModelFromFiles(folder, customObjects as never)).rejects.toThrow(TypeError);
    await expect(loadLayersModelFromFiles(folder, customObjects as never)).rejects.toThrow(
      /^loadLayersModelFromFiles: customObjects must be an object of classes by name, but is /,
    );
  });

  it('refuses weights that do not fit, an unknown layer, and a path to nothing', async () => {
    await writeModel((manifest) => (manifest.weightsManifest[0]!.weights[0].name = 'other/kernel'));
    await expectRefused(/weights do not fit the topology.*other\/kernel/);
    await writeModel((manifest) => (manifest.modelTopology.model_config.config.layers[1].class_name = 'Mystery'));
    await expectRefused(/Unknown layer: Mystery.*customObjects/s);
    await rm(folder, {recursive: true});
    await expectRefused(/does not exist.*model\.json or of its folder/);
    await expect(loadLayersModelFromFiles('http://x/model.json')).rejects.toThrow(/on this machine/);
  });

  it('reads Keras 3: batch_shape, dtype policies, nested models, connections and prefixed names', async () => {
    const policy = {module: 'keras', class_name: 'DTypePolicy', config: {name: 'float32'}, registered_name: null};
    const link = (name: string, shape: (number | null)[]): object => ({
      class_name: '__keras_tensor__',
      config: {shape, dtype: 'float32', keras_history: [name, 0, 0]},
    });
    const inputLayer = (name: string): object => ({
      module: 'keras.layers',
      class_name: 'InputLayer',
      config: {batch_shape: [null, 3], dtype: 'float32', sparse: false, name},
      registered_name: null,
      name,
      inbound_nodes: [],
    });
    const dense = (name: string, units: number, from?: object): object => ({
      class_name: 'Dense',
      name,
      config: {
        name,
        trainable: true,
        dtype: policy,
        units,
        activation: 'linear',
        use_bias: false,
        kernel_initializer: {module: 'keras.initializers', class_name: 'GlorotUniform', config: {seed: null}, registered_name: null},
      },
      ...(from ? {inbound_nodes: [{args: [from], kwargs: {}}]} : {}),
    });
    const inner = {
      class_name: 'Sequential',
      name: 'inner',
      config: {name: 'inner', dtype: policy, layers: [inputLayer('in2'), dense('d2', 3)]},
      inbound_nodes: [{args: [link('d1', [null, 3])], kwargs: {training: false}}],
    };
    const add = {
      class_name: 'Add',
      name: 'sum',
      config: {name: 'sum', dtype: policy},
      inbound_nodes: [{args: [[link('inner', [null, 3]), link('in1', [null, 3])]], kwargs: {}}],
    };
    const modelTopology = {
      keras_version: '3.3.3',
      model_config: {
        class_name: 'Functional',
        config: {
          name: 'net',
          layers: [inputLayer('in1'), dense('d1', 3, link('in1', [null, 3])), inner, add],
          input_layers: ['in1', 0, 0],
          output_layers: [['sum', 0, 0]],
        },
      },
    };
    const weights = ['net/d1/kernel', 'd2/kernel'].map((name) => ({name, shape: [3, 3], dtype: 'float32'}));
    await writeFile(join(folder, 'model.json'), JSON.stringify({modelTopology, weightsManifest: [{paths: ['w.bin'], weights}]}));
    await writeFile(join(folder, 'w.bin'), floats(2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 1));
    const model = await loadLayersModelFromFiles(folder);
    // Doubled, first two swapped, plus the input: [1,2,−1] → [4,2,−2] + [1,2,−1].
    expectClose(run(model), [5, 4, -3], {abs: 1e-6});
    model.dispose();
  });

  it.each([
    ['Sequential', 0],
    ['Functional', 1],
  ])('reads Keras 3: a nested %s as the output, which it counts from %i', async (kind, call) => {
    const tensor = (name: string): object => ({
      class_name: '__keras_tensor__',
      config: {shape: [null, 3], dtype: 'float32', keras_history: [name, 0, 0]},
    });
    const node = (name: string): object => ({args: [tensor(name)], kwargs: {}});
    const start = (name: string): object => ({
      class_name: 'InputLayer',
      name,
      config: {batch_shape: [null, 3], dtype: 'float32', name},
      inbound_nodes: [],
    });
    const relu = {class_name: 'ReLU', name: 'relu', config: {name: 'relu', dtype: 'float32'}, inbound_nodes: [node('in2')]};
    const ends = kind === 'Sequential' ? {} : {input_layers: [['in2', 0, 0]], output_layers: [['relu', 0, 0]]};
    const inner = {
      class_name: kind,
      name: 'inner',
      config: {name: 'inner', layers: [start('in2'), relu], ...ends},
      inbound_nodes: [node('in1')],
    };
    const config = {name: 'net', layers: [start('in1'), inner], input_layers: [['in1', 0, 0]], output_layers: ['inner', call, 0]};
    const modelTopology = {keras_version: '3.3.3', model_config: {class_name: 'Functional', config}};
    await writeFile(join(folder, 'model.json'), JSON.stringify({modelTopology, weightsManifest: [{paths: [], weights: []}]}));
    const model = await loadLayersModelFromFiles(folder);
    expectClose(run(model), [1, 2, 0], {});
    model.dispose();
  });

  it('leaves a Keras 2 topology as it is', async () => {
    await writeModel();
    const artifacts = await fileModelHandler(folder).load!();
    expect(artifacts.modelTopology).toEqual(JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')).modelTopology);
  });
});

const data = process.env['AKD_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
const has = existsSync(join(data, 'models'));

describe.skipIf(!has)(`the models in AKD_DATA${has ? '' : ' (skipped: the folder is absent, so no real model is loaded)'}`, () => {
  it.each([
    ['resnet20_cifar10', 32, 10],
    ['mobilenet_v1_025_128', 128, 1001],
    ['mobilenet_v2_100_224', 224, 1001],
    ['densenet121_224', 224, 1000],
  ])('%s gives probabilities', async (name, size, classes) => {
    await expectNoLeak(async () => {
      const model = await loadLayersModelFromFiles(join(data, 'models', name));
      expect(model.outputs[0]!.shape).toEqual([null, classes]);
      // The two large ones take long on the cpu backend: their shapes and weights are enough here.
      if (size <= 128) {
        const scores = tidy(() => (model.predict(zeros([1, size, size, 3])) as Tensor).dataSync<'float32'>());
        expect(scores.length).toBe(classes);
        expectClose([scores.reduce((total, score) => total + score, 0)], [1], {abs: 1e-4});
      }
      for (const weight of model.weights) expect(weight.read().dataSync<'float32'>().every(Number.isFinite), weight.name).toBe(true);
      model.dispose();
    });
  });

  it('refuses a real model with a shard cut off', async () => {
    await cp(join(data, 'models/mobilenet_v1_025_128'), join(folder, 'copy'), {recursive: true});
    folder = join(folder, 'copy');
    await rm(join(folder, 'group1-shard1of1.bin'));
    await writeFile(join(folder, 'group1-shard1of1.bin'), Buffer.alloc(1000));
    await expectRefused(/too short: 1000 bytes/);
  });
});

describe('files of other formats', () => {
  it.each([
    ['model.keras', /cannot read.*tensorflowjs_converter --input_format=keras/],
    ['model.h5', /tensorflowjs_converter/],
    ['model.onnx', /ONNX Runtime.*score function/],
    ['model.tflite', /LiteRT.*score function/],
  ])('%s: say what to do', async (name, message) => {
    await expect(loadLayersModelFromFiles(name)).rejects.toThrow(message);
  });
});
