/** explain() with compiled networks: the maps of the networks as they are, through training and disposal. */
import '../helpers/use-wasm.js';
import {dispose, memory, mul, randomNormal, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  residualStudent,
  studentFromTeacher,
  type MapsOnlyOptions,
  type SaliencyMap,
  type Student,
  type StudentBuilder,
  type UnscoredMap,
  paperMethod,
} from '../../src/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';
import {drawWeights} from '../helpers/trained-like.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';

/** What compiling may change. */
const SAME = {abs: 1e-4};

/** A builder whose students look trained: batch statistics and gates that are not those of the start. */
const trained =
  (build: StudentBuilder): StudentBuilder =>
  async (teacher, options): Promise<Student> => {
    const student = await build(teacher, options);
    drawWeights(student.model, 3);
    return student;
  };

function expectSameMaps(actual: readonly SaliencyMap[], expected: readonly SaliencyMap[]): void {
  expect(actual.map(({target, empty}) => [target, empty])).toEqual(expected.map(({target, empty}) => [target, empty]));
  actual.forEach((map, index) => {
    expectClose(map.data, expected[index]!.data, SAME, `map ${index}`);
    expectClose([map.score], [expected[index]!.score], SAME, `score ${index}`);
  });
}

describe('a compiled student draws the maps of the student as it is:', () => {
  const builders: Record<string, StudentBuilder> = {
    'a residual student of blocks': residualStudent({depth: 18, width: 8}),
    'a residual student of bottlenecks, with the stem for large images': residualStudent({
      depth: 50,
      width: 4,
      stem: 'imagenet',
      delta: 'signed',
    }),
    'a copy of the teacher': studentFromTeacher({initialGate: 0.7, delta: 'rectified'}),
  };
  for (const [kind, build] of Object.entries(builders)) {
    it(kind, () =>
      expectNoLeak(async () => {
        const model = patchTeacher();
        const distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, student: trained(build), seed: 2});
        const {images} = patchBatch(0, 3);
        const expected = await distiller.explain(images, {compile: false});
        expectSameMaps(await distiller.explain(images), expected);
        expectSameMaps(
          await distiller.explain(images, {batchSize: 1, target: 2}),
          await distiller.explain(images, {compile: false, target: 2}),
        );
        expect(expected.some(({empty}) => empty)).toBe(false);
        images.dispose();
        distiller.dispose();
        model.dispose();
      }),
    );
  }

  const real = ['resnet20_cifar10', 'mobilenet_v1_025_128', 'mobilenet_v2_100_224', 'densenet121_224'];
  it.for(real)('a copy of %s', {timeout: 120_000}, async (name, {skip}) => {
    const model: LayersModel = (await loadDataModel(name)) ?? skip(`There is no ${name} in ${dataFolder} (AKD_DATA).`);
    const distiller = await AttentiveDistiller.create({
      ...paperMethod(),
      teacher: model,
      student: studentFromTeacher({initialGate: 0.8}),
      seed: 2,
    });
    const image = randomNormal([1, ...distiller.teacher.inputShape], 0, 0.5, 'float32', 1) as Tensor4D;
    expectSameMaps(await distiller.explain(image), await distiller.explain(image, {compile: false}));
    image.dispose();
    distiller.dispose();
    disposeModel(model);
  });
});

describe('explain() with compiled networks', () => {
  it('leaves out class and score if they are not wanted, and what only these need', () =>
    expectNoLeak(async () => {
      const model = patchTeacher();
      const distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 2});
      const {images} = patchBatch(0, 2);
      const whole = await distiller.explain(images);
      for (const options of [{score: false}, {score: false, compile: false}] satisfies MapsOnlyOptions[]) {
        const maps: UnscoredMap[] = await distiller.explain(images, options);
        expect(maps.map((map) => Object.keys(map).sort())).toEqual(
          whole.map(() => ['data', 'empty', 'height', 'method', 'options', 'seed', 'width']),
        );
        maps.forEach(({data}, index) => expectClose(data, whole[index]!.data, SAME));
      }
      await expect(distiller.explain(images, {score: false, target: 1} as never)).rejects.toThrow(/target.*score: false/);
      images.dispose();
      distiller.dispose();
      model.dispose();
    }));

  it('draws what training has made of the networks, while it goes on and after it', () =>
    expectNoLeak(async () => {
      const model = patchTeacher();
      const distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 2});
      const {images} = patchBatch(0, 4);
      const before = await distiller.explain(images);
      for await (const {done} of distiller.fit([{images}], {epochs: 2, learningRate: 1e-2})) {
        if (done % 2 === 0) expectSameMaps(await distiller.explain(images), await distiller.explain(images, {compile: false}));
      }
      const after = await distiller.explain(images);
      expectSameMaps(after, await distiller.explain(images, {compile: false}));
      expect(after[0]!.data).not.toEqual(before[0]!.data);
      images.dispose();
      distiller.dispose();
      model.dispose();
    }));

  it('holds the folded weights from the first call to the next training, and a level number of tensors', () =>
    expectNoLeak(async () => {
      const model = patchTeacher();
      const distiller = await AttentiveDistiller.create({
        ...paperMethod(),
        teacher: model,
        seed: 2,
        student: residualStudent({depth: 18, width: 4}),
      });
      const {images} = patchBatch(0, 2);
      const bare = memory();
      await distiller.explain(images, {compile: false});
      expect(memory().numTensors).toBe(bare.numTensors);
      await distiller.explain(images);
      const held = memory();
      expect(held.numTensors).toBeGreaterThan(bare.numTensors);
      expect(held.numBytes).toBeLessThan(2 * bare.numBytes);
      for (let call = 0; call < 5; call++) await distiller.explain(images, {batchSize: 1 + (call % 2)});
      await expect(distiller.explain(images, {target: 3})).rejects.toThrow(/from 0 to 2/);
      expect(memory().numTensors).toBe(held.numTensors);
      await distiller.train([{images}], {epochs: {student: 1, explanation: 0}});
      expect(memory().numTensors).toBe(bare.numTensors);
      await distiller.explain(images);
      expect(memory().numTensors).toBe(held.numTensors);
      images.dispose();
      distiller.dispose();
      model.dispose();
    }));

  it('follows weights that somebody else has written', () =>
    expectNoLeak(async () => {
      const model = patchTeacher();
      let network: LayersModel | undefined;
      const build = trained(residualStudent({depth: 18, width: 4}));
      const student: StudentBuilder = async (...given) => {
        const built = await build(...given);
        network = built.model;
        return built;
      };
      const distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, student, seed: 2});
      const {images} = patchBatch(0, 2);
      await distiller.explain(images);
      const others = tidy(() => network!.getWeights().map((weight) => mul(weight, 0.9)));
      network!.setWeights(others);
      dispose(others);
      expectSameMaps(await distiller.explain(images), await distiller.explain(images, {compile: false}));
      images.dispose();
      distiller.dispose();
      model.dispose();
    }));
});
