/**
 * A backend that lacks a kernel: whichever it is and whatever was called, the error is ours, says
 * what to do, and leaves no tensor. The words of tfjs, "Kernel 'X' not registered", never reach a user.
 */
import {
  env,
  findBackendFactory,
  getBackend,
  getKernel,
  memory,
  profile,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
  unregisterKernel,
  type KernelConfig,
  type Tensor4D,
  type TensorContainer,
} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, expect, test} from 'vitest';
import {AttentiveError} from '../../src/core/errors/attentive-error.js';
import {
  AttentiveDistiller,
  checkBackend,
  classActivationMap,
  compare,
  confidenceChange,
  deletionScore,
  gradCam,
  gradCamExplainer,
  gradientSaliency,
  insertionScore,
  lime,
  maxSensitivity,
  muFidelity,
  paperMethod,
  randomizationCheck,
  rise,
  smoothGrad,
} from '../../src/index.js';
import {gridSegments} from '../../src/baselines/index.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

interface Subject {
  readonly model: LayersModel;
  readonly distiller: AttentiveDistiller;
  readonly images: Tensor4D;
  /** Tensors that there are without the distiller. */
  readonly numTensors: number;
}

const store = await temporaryStore();
const map = {data: Float32Array.from({length: HEIGHT * WIDTH}, (_, at) => at / 1000), height: HEIGHT, width: WIDTH};
const small = {filters: [2, 2, 2]} as const;
const steps = {stepSize: 192};

const entries: Readonly<Record<string, (subject: Subject) => Promise<unknown>>> = {
  'AttentiveDistiller.create': async ({model}) => (await AttentiveDistiller.create({teacher: model, decoder: small})).dispose(),
  train: ({distiller, images}) => distiller.train([{images}], {epochs: 1}),
  explain: ({distiller, images}) => distiller.explain(images),
  'explain, uncompiled': async ({model, images}) => {
    const paper = await AttentiveDistiller.create({teacher: model, ...paperMethod(), decoder: small});
    await paper.explain(images, {compile: false}).finally(() => paper.dispose());
  },
  evaluate: ({distiller, images}) => distiller.evaluate([{images}], steps),
  'save and load': async ({distiller, model}) => {
    await distiller.save(store.url('saved'));
    (await AttentiveDistiller.load(store.url('saved'), {teacher: model})).dispose();
  },
  rise: ({model, images}) => rise(images, model, {numMasks: 2, gridSize: 2}),
  lime: ({model, images}) => lime(images, model, {numSamples: 20, segmenter: gridSegments(HEIGHT, WIDTH, {rows: 2, columns: 2})}),
  gradCam: ({model, images}) => gradCam(images, model, {layer: 'stage_2'}),
  classActivationMap: ({model, images}) => classActivationMap(images, model),
  gradientSaliency: ({model, images}) => gradientSaliency(images, model),
  smoothGrad: ({model, images}) => smoothGrad(images, model, {numSamples: 2}),
  insertionScore: ({images, model}) => insertionScore(images, [map], model, steps),
  deletionScore: ({images, model}) => deletionScore(images, [map], model, steps),
  confidenceChange: ({images, model}) => confidenceChange(images, [map], model),
  muFidelity: ({images, model}) => muFidelity(images, [map], model, {numSamples: 4}),
  maxSensitivity: ({images, model}) => maxSensitivity([images], gradCamExplainer(model), {numSamples: 1}),
  randomizationCheck: ({images, model}) => randomizationCheck(images, (copy) => gradCamExplainer(copy), model, {layers: ['stage_1']}),
  compare: ({images, model}) => compare({explainers: {'Grad-CAM': gradCamExplainer(model)}, metrics: ['deletion'], images, model}),
  checkBackend: () => checkBackend('train'),
};

env().set('IS_TEST', true); // else every new backend advertises tfjs-node
const factory = findBackendFactory('cpu');

/** On a backend that has not been asked anything yet. */
async function subjectOnFreshBackend(): Promise<Subject> {
  removeBackend('cpu');
  registerBackend('cpu', factory);
  await setBackend('cpu');
  const model = patchTeacher();
  const {images} = patchBatch(0, 1);
  const {numTensors} = memory();
  return {model, images, numTensors, distiller: await AttentiveDistiller.create({teacher: model, decoder: small})};
}

const before = getBackend();
afterAll(async () => {
  await store.remove();
  await setBackend(before);
});

test.each(Object.entries(entries))(
  '%s says which kernel is missing, in words of ours, and leaves nothing',
  {timeout: 120_000},
  async (_, run) => {
    const first = await subjectOnFreshBackend();
    const {kernelNames} = await profile(async () => {
      await run(first);
      return null as unknown as TensorContainer;
    });
    // Functions with a gradient of their own are among the names, and are no kernels.
    const kernels = kernelNames.map((name) => getKernel(name, 'cpu') as KernelConfig | undefined).filter((each) => each !== undefined);
    const named: string[] = [];
    for (const kernel of kernels) {
      const subject = await subjectOnFreshBackend();
      unregisterKernel(kernel.kernelName, 'cpu');
      try {
        await run(subject);
      } catch (error) {
        expect(error, kernel.kernelName).toBeInstanceOf(AttentiveError);
        expect((error as Error).message, kernel.kernelName).toMatch(/selectBackend/);
        expect((error as Error).message, kernel.kernelName).not.toMatch(/not registered|gradient function/);
        subject.distiller.dispose(); // and with it what it has compiled
        expect(memory().numTensors, kernel.kernelName).toBe(subject.numTensors);
        named.push(kernel.kernelName);
      } finally {
        registerKernel(kernel);
      }
    }
    // Where they all did without, nothing was tested.
    if (run !== entries['checkBackend']) expect(named.length).toBeGreaterThan(0);
  },
);
