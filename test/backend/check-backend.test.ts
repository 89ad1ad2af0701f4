/** What checkBackend finds: nothing on a complete backend, and what was taken away from an incomplete one. */
import '@tensorflow/tfjs-backend-wasm';
import {getKernel, memory, ones, registerKernel, unregisterKernel, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential} from '@tensorflow/tfjs-layers';
import {expect, test} from 'vitest';
import {checkBackend, requireBackend, type BackendTask} from '../../src/backend/check-backend.js';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {gradientSaliency} from '../../src/baselines/gradient/gradient-saliency.js';
import {rise} from '../../src/baselines/rise/rise.js';
import {BackendError} from '../../src/core/errors/backend-error.js';
import {useBackend} from '../helpers/on-backend.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';

const tasks: BackendTask[] = ['black-box', 'grad-cam', 'train'];

test('wasm as tfjs ships it can score, but neither train nor differentiate', async () => {
  // Another file's setup may have installed the kernels in this process: take them away.
  await useBackend('wasm');
  const added = ['Conv2DBackpropFilter', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'];
  const kept = added.map((name) => getKernel(name, 'wasm')).filter((kernel) => kernel !== undefined);
  for (const {kernelName} of kept) unregisterKernel(kernelName, 'wasm');
  const before = memory().numTensors;
  expect((await checkBackend('black-box')).missing).toEqual([]);
  const gradCam = await checkBackend('grad-cam');
  expect(gradCam.missing.map(({name}) => name)).toEqual(['depthwise convolution']);
  const train = await checkBackend('train');
  expect(train).toMatchObject({backend: 'wasm', task: 'train', ok: false});
  expect(train.missing.map(({name}) => name)).toEqual([
    'depthwise convolution',
    'the filter gradient of a convolution',
    'the filter gradient of a depthwise convolution',
  ]);
  expect(train.advice).toMatch(/installTrainingKernels/);
  await expect(requireBackend('fit', 'train')).rejects.toThrow(BackendError);
  await expect(requireBackend('fit', 'train')).rejects.toThrow(
    /^fit: the backend 'wasm' cannot do what is needed \(task 'train'\)\. Gradients on wasm need installTrainingKernels/,
  );
  expect(memory().numTensors).toBe(before);
  for (const kernel of kept) registerKernel(kernel);
  installTrainingKernels();
});

test.each(['cpu', 'wasm'] as const)('%s is complete once the training kernels are installed', async (name) => {
  await useBackend(name);
  installTrainingKernels();
  for (const task of tasks) {
    expect(await checkBackend(task)).toEqual({backend: name, task, ok: true, missing: [], advice: ''});
    await requireBackend('test', task);
  }
});

test('a gradient that is wrong is found out', async () => {
  await useBackend('wasm');
  const original = getKernel('AvgPoolGrad', 'wasm');
  const name = original === undefined ? 'Sigmoid' : 'AvgPoolGrad';
  const kernel = getKernel(name, 'wasm');
  if (kernel === undefined) throw new Error(`no kernel ${name}`);
  unregisterKernel(name, 'wasm');
  registerKernel({
    ...kernel,
    kernelFunc: (params) => getKernel('Neg', 'wasm')!.kernelFunc({...params, inputs: {x: kernel.kernelFunc(params) as never}}),
  });
  const {missing} = await checkBackend('grad-cam');
  unregisterKernel(name, 'wasm');
  registerKernel(kernel);
  expect(missing.length).toBe(1);
  expect(missing[0]!.reason).toMatch(/has the slope .* where differences give/);
});

test('an unknown task is refused', async () => {
  await expect(checkBackend('dream' as BackendTask)).rejects.toThrow(/'black-box', 'grad-cam', 'train'/);
  await expect(checkBackend('dream' as BackendTask)).rejects.toThrow(RangeError);
  for (const task of [undefined, null, 3, Promise.resolve('train')]) await expect(checkBackend(task as never)).rejects.toThrow(TypeError);
});

test('a layer whose kernel is missing is named, with what to do', async () => {
  await useBackend('wasm');
  const kernel = getKernel('Elu', 'wasm');
  if (kernel === undefined) throw new Error('no kernel Elu');
  const network = sequential({
    layers: [
      layers.globalAveragePooling2d({inputShape: [4, 4, 3]}),
      layers.activation({activation: 'elu'}),
      layers.dense({units: 2}),
      layers.softmax(),
    ],
  });
  const image = ones([1, 4, 4, 3]);
  const before = memory().numTensors;
  unregisterKernel('Elu', 'wasm');
  try {
    await expect(rise(image as Tensor4D, network, {numMasks: 2, gridSize: 2})).rejects.toThrow(
      /^rise needs what the backend 'wasm' lacks: it has no Elu\. Take another backend: await selectBackend\(\{prefer: \['tfjs-node', 'cpu'\]\}\)/,
    );
    await expect(gradientSaliency(image as Tensor4D, network)).rejects.toThrow(BackendError);
  } finally {
    registerKernel(kernel);
  }
  expect(memory().numTensors).toBe(before);
  image.dispose();
  disposeModel(network);
});
