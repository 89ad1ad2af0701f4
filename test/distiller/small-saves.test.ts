/** A save holds what differs from the teacher, and the teacher brings the rest. */
import '../helpers/use-wasm.js';
import {dispose, io, mul, tensor, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest';
import {Random} from '../../src/core/random.js';
import {createNetworks} from '../../src/distiller/create.js';
import {packCheckpoint, unpackCheckpoint} from '../../src/distiller/save/checkpoint.js';
import {probeTeacher} from '../../src/distiller/save/teacher-probe.js';
import {loadArtifacts} from '../../src/files/artifact-store.js';
import {
  AttentiveDistiller,
  AttentiveError,
  studentFromTeacher,
  teacherFromLayersModel,
  UnsupportedModelError,
  type SaliencyMap,
  type StudentBuilder,
  type Teacher,
} from '../../src/index.js';
import {attentionSites} from '../../src/models/index.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';
import {HEIGHT, WIDTH, patchBatch} from '../helpers/patch-world.js';
import {temporaryStore, type TemporaryStore} from '../helpers/temporary-store.js';

/** Convolutions and batch norms whose names tfjs gives, so that every copy has other ones. */
function namelessTeacher(useBias: boolean = false): LayersModel {
  const stage = (filters: number, more: object = {}): layers.Layer[] => [
    layers.conv2d({filters, kernelSize: 3, strides: 2, padding: 'same', useBias, ...more}),
    layers.batchNormalization({}),
    layers.reLU(),
  ];
  const model = sequential({
    name: 'nameless',
    layers: [
      ...stage(6, {strides: 1, inputShape: [HEIGHT, WIDTH, 3]}),
      ...stage(8),
      ...stage(10),
      layers.globalAveragePooling2d({}),
      layers.dense({units: 3, activation: 'softmax'}),
    ],
  });
  const random = new Random(5);
  const drawn = model.weights.map(({shape, originalName}) => {
    const middle = /variance|gamma/.test(originalName) ? 1 : 0;
    const length = (shape as number[]).reduce((product, size) => product * size, 1);
    return tensor(
      Float32Array.from({length}, () => middle + random.uniform(-0.4, 0.4)),
      shape as number[],
    );
  });
  model.setWeights(drawn);
  dispose(drawn);
  return model;
}

// A stand-in for a phone.
const backend = vi.hoisted(() => ({rounds: false}));
vi.mock('../../src/backend/keeps-float32.js', () => ({keepsFloat32: () => !backend.rounds}));

let model: LayersModel;
let images: Tensor4D;
let store: TemporaryStore;
beforeAll(async () => {
  model = namelessTeacher();
  images = patchBatch(0, 8).images;
  store = await temporaryStore();
});
afterAll(async () => {
  model.dispose();
  images.dispose();
  await store.remove();
});

/** Names and values of the weights of a save. */
async function storedIn(url: string): Promise<Map<string, Float32Array>> {
  const {weightData, weightSpecs} = await loadArtifacts('test', url);
  const tensors = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs!);
  const values = new Map<string, Float32Array>();
  for (const [name, each] of Object.entries(tensors)) values.set(name, (await each.data()).slice() as Float32Array);
  dispose(tensors);
  return values;
}

async function mapsOf(distiller: AttentiveDistiller): Promise<Float32Array[]> {
  return (await distiller.explain(images)).map(({data}: SaliencyMap) => data);
}

/** Saves, loads with another copy of the teacher, and compares the maps bit for bit; what the save holds of the student. */
async function roundTrip(distiller: AttentiveDistiller, name: string): Promise<Map<string, Float32Array>> {
  const url = store.url(name);
  await distiller.save(url);
  const copy = namelessTeacher();
  expect(copy.layers[0]!.name).not.toBe(model.layers[0]!.name);
  const again = await AttentiveDistiller.load(url, {teacher: copy});
  expect(await mapsOf(again)).toEqual(await mapsOf(distiller));
  // What was loaded is saved in the same way once more.
  await again.save(store.url(`${name}-again`));
  const [first, second] = [await storedIn(url), await storedIn(store.url(`${name}-again`))];
  expect(second).toEqual(first);
  again.dispose();
  copy.dispose();
  return new Map([...first].filter(([weight]) => weight.startsWith('student:')));
}

const training = {epochs: {student: 1, explanation: 1}, lambda: 1e-5};

/** Places given by name, as only the teacher that is distilled has them. */
const namedPlaces: StudentBuilder = (teacher, options) => {
  const taps = attentionSites(teacher.model!)
    .map(({path}) => path)
    .slice(-4, -1);
  return studentFromTeacher({taps, ratio: 2})(teacher, options);
};

/** A copy of the teacher with one weight of the given layer changed by about that factor. */
function withChange(layer: number, factor: number): LayersModel {
  const copy = namelessTeacher();
  const of = copy.layers.filter(({weights}) => weights.length > 0).at(layer)!;
  const [first, ...others] = of.getWeights();
  const changed = tidy(() => mul(first!, factor));
  of.setWeights([changed, ...others]);
  changed.dispose();
  return copy;
}

describe('a save', () => {
  it.each<[string, Partial<Parameters<typeof AttentiveDistiller.create>[0]>]>([
    ['the default', {}],
    ['two scales, guided', {student: studentFromTeacher({scales: 2, initialGate: 0.999}), guidance: 'attended', objective: 'ranking'}],
    ['places by name', {student: namedPlaces}],
  ])('of a student that was not trained holds nothing of it: %s', (name, options) =>
    expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher: model, seed: 3, ...options});
      await distiller.train([{images}], {...training, epochs: {student: 0, explanation: 1}});
      expect([...(await roundTrip(distiller, name)).keys()]).toEqual([]);
      const {modelTopology, userDefinedMetadata} = await loadArtifacts('test', store.url(name));
      expect(modelTopology).not.toHaveProperty('student');
      expect(userDefinedMetadata).toHaveProperty('student.changed', []);
      distiller.dispose();
    }),
  );

  it('of a trained student holds the weights that training has changed, and none of the teacher', () =>
    expectNoLeak(async () => {
      const before = await hashWeights(model);
      // Gates that are less open than by default, since one step leaves those as they are, to rounding.
      const student = studentFromTeacher({initialGate: 0.99});
      const distiller = await AttentiveDistiller.create({teacher: model, student, seed: 2});
      await distiller.train([{images}], training);
      const stored = await roundTrip(distiller, 'trained');
      // All of the copy but its 6 batch statistics. Of each gate the first step reaches those 4 that do not stand behind
      // zeros, with this seed none of which is a hidden unit that is off for all images.
      expect(stored.size).toBe(model.weights.length - 6 + 3 * 4);
      const teachers = await Promise.all(model.weights.map(async (weight) => [...(await weight.read().data())]));
      for (const values of stored.values()) expect(teachers).not.toContainEqual([...values]);
      expect(await hashWeights(model)).toBe(before);
      distiller.dispose();
    }));

  it('holds exactly those weights that differ, if only by a bit', () =>
    expectNoLeak(async () => {
      const made = await createNetworks({teacher: model, seed: 3});
      const probe = await probeTeacher('test', made.teacher);
      const weights = made.student.model.layers.flatMap((layer) => layer.weights);
      const touch = async (index: number): Promise<number[]> => {
        const values = (await weights[index]!.read().data<'float32'>()).slice();
        new Int32Array(values.buffer)[values.length - 1]! ^= 1;
        const touched = tensor(values, weights[index]!.shape as number[]);
        weights[index]!.write(touched);
        touched.dispose();
        return [...values];
      };
      const touched = [await touch(0), await touch(7), await touch(weights.length - 1)];
      const packed = packCheckpoint(made, {probe});
      await touch(2); // After the call: not in the save.
      const {weightSpecs, weightData, userDefinedMetadata} = await packed;
      expect(userDefinedMetadata).toHaveProperty('student.changed', [0, 7, weights.length - 1]);
      const tensors = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs!);
      const own = Object.entries(tensors).filter(([name]) => name.startsWith('student:'));
      expect(await Promise.all(own.map(async ([, each]) => [...(await each.data())]))).toEqual(touched);
      dispose(tensors);
      disposeModel(made.student.model);
      disposeModel(made.decoder);
    }));

  it('holds a student whole that a builder has changed further', () =>
    expectNoLeak(async () => {
      const student: StudentBuilder = async (teacher, options) => {
        const built = await studentFromTeacher()(teacher, options);
        built.model.layers[1]!.trainable = false;
        return built;
      };
      const distiller = await AttentiveDistiller.create({teacher: model, seed: 3, student});
      expect((await roundTrip(distiller, 'frozen')).size).toBe(model.weights.length + 27);
      distiller.dispose();
    }));

  it('keeps how a builder wants its student to be trained', () =>
    expectNoLeak(async () => {
      const student: StudentBuilder = async (teacher, options) => ({...(await studentFromTeacher()(teacher, options)), trainingMode: true});
      const made = await createNetworks({teacher: model, seed: 3, student});
      const artifacts = await packCheckpoint(made, {probe: await probeTeacher('test', made.teacher)});
      expect(artifacts.userDefinedMetadata).toHaveProperty('student.changed', []);
      const {networks: read} = await unpackCheckpoint({where: 'test', url: 'the save', teacher: made.teacher}, artifacts);
      expect(read.student.trainingMode).toBe(true);
      for (const networks of [made, read]) [networks.student.model, networks.decoder].forEach(disposeModel);
    }));
});

describe('loading refuses', () => {
  const url = (): string => store.url('for-loading');
  const load = (teacher: LayersModel | Teacher): Promise<AttentiveDistiller> => AttentiveDistiller.load(url(), {teacher});
  beforeAll(async () => {
    const distiller = await AttentiveDistiller.create({teacher: model, seed: 3});
    await distiller.save(url());
    distiller.dispose();
  });

  it.each<[string, () => LayersModel, number]>([
    ['the last bits of one kernel', () => withChange(0, 1 + 2 ** -22), 1],
    ['half a percent of the head', () => withChange(-1, 1.005), 1],
  ])('a teacher whose weights differ in %s', (_, make, count) =>
    expectNoLeak(async () => {
      const other = make();
      await expect(load(other)).rejects.toThrow(AttentiveError);
      await expect(load(other)).rejects.toThrow(
        new RegExp(
          `^AttentiveDistiller.load: the saved explainer holds only what differs from its teacher 'nameless', but the weights of 'nameless' differ from that teacher's in ${count} of 17 tensors, the first being '.*kernel'. Pass the teacher that it was distilled from`,
        ),
      );
      other.dispose();
    }),
  );

  it('a teacher without a LayersModel', () =>
    expectNoLeak(async () => {
      const bare = {...teacherFromLayersModel(model), model: undefined};
      await expect(load(bare)).rejects.toThrow(UnsupportedModelError);
      await expect(load(bare)).rejects.toThrow(
        /^AttentiveDistiller.load: .* takes the rest from the teacher's LayersModel, but teacher 'nameless' has none/,
      );
    }));

  it('a teacher that answers the same and is built otherwise', () =>
    expectNoLeak(async () => {
      const {logits} = teacherFromLayersModel(model);
      const flat = sequential({name: 'flat', layers: [layers.flatten({inputShape: [HEIGHT, WIDTH, 3]}), layers.dense({units: 3})]});
      const biased = namelessTeacher(true);
      await expect(load({...teacherFromLayersModel(flat), logits})).rejects.toThrow(UnsupportedModelError);
      await expect(load({...teacherFromLayersModel(flat), logits})).rejects.toThrow(
        "AttentiveDistiller.load: teacher 'flat' is built otherwise: attention cannot be put where the student has it.",
      );
      await expect(load({...teacherFromLayersModel(biased), logits})).rejects.toThrow(
        "but 'nameless' makes a student of 47 weights instead of 44. Pass the teacher",
      );
      flat.dispose();
      biased.dispose();
    }));
});

it('a teacher is told by its answers alone where the backend rounds weights', () =>
  expectNoLeak(async () => {
    const url = store.url('rounded');
    const distiller = await AttentiveDistiller.create({teacher: model, seed: 3});
    const near = withChange(-1, 1.005);
    const far = withChange(-1, 1.5);
    backend.rounds = true;
    try {
      await distiller.save(url);
      expect((await loadArtifacts('test', url)).userDefinedMetadata).not.toHaveProperty('student.checksums');
      (await AttentiveDistiller.load(url, {teacher: near})).dispose();
      await expect(AttentiveDistiller.load(url, {teacher: far})).rejects.toThrow(/whose logits for a test image differ/);
    } finally {
      backend.rounds = false;
    }
    // Saved with checksums, loaded where there can be none.
    await distiller.save(url);
    await expect(AttentiveDistiller.load(url, {teacher: near})).rejects.toThrow(/the weights of 'nameless' differ/);
    backend.rounds = true;
    (await AttentiveDistiller.load(url, {teacher: near}).finally(() => (backend.rounds = false))).dispose();
    for (const each of [distiller, near, far]) each.dispose();
  }));
