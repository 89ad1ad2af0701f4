/**
 * One check for every layer: output shape, config round trip, save and load of a model that holds
 * it, gradients by differences for the input and each trainable weight, and level tensor counts.
 */
import {
  io,
  memory,
  mul,
  randomNormal,
  stack,
  sum,
  tensor,
  tidy,
  variableGrads,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import {input, loadLayersModel, model, type layers} from '@tensorflow/tfjs-layers';
import {expect} from 'vitest';
import {Random} from '../../src/core/random.js';
import {registerLayers} from '../../src/layers/index.js';
import {onGpuBackend} from './environment.js';
import {expectClose} from './expect.js';
import {expectGradient} from './gradient-check.js';
import {read} from './read.js';

type Layer = layers.Layer;

/** Runs every check for the layer that `make` builds, on inputs of the given shapes `[N,H,W,C]`. */
export async function runLayerTest(make: () => Layer, inputShapes: number[][], outputShape: number[], smooth = true): Promise<void> {
  registerLayers();
  const before = memory().numTensors;
  const xs = inputShapes.map((shape, index) => randomNormal(shape, 0, 1, 'float32', 31 + index));
  const symbols = inputShapes.map((shape) => input({shape: shape.slice(1)}));
  const layer = make();
  const net = model({inputs: symbols, outputs: layer.apply(symbols.length === 1 ? symbols[0]! : symbols) as never});
  await jitter(layer);

  const y = net.predict(xs.length === 1 ? xs[0]! : xs) as Tensor;
  expect(y.shape).toEqual(outputShape);
  expect(net.outputs[0]!.shape).toEqual([null, ...outputShape.slice(1)]);

  let saved: io.ModelArtifacts | undefined;
  await net.save(
    io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({modelArtifactsInfo: {dateSaved: new Date(0), modelTopologyType: 'JSON'}});
    }),
  );
  const topology = JSON.parse(JSON.stringify(saved!)) as io.ModelArtifacts;
  const again = await loadLayersModel(io.fromMemory({...saved!, modelTopology: topology.modelTopology!}));
  const yAgain = again.predict(xs.length === 1 ? xs[0]! : xs) as Tensor;
  expect(await yAgain.data()).toEqual(await y.data());
  expect(again.layers.at(-1)!.getConfig()).toEqual({...layer.getConfig(), name: layer.name});

  if (smooth) {
    const direction = randomNormal(outputShape, 0, 1, 'float32', 77);
    const loss = (inputs: Tensor[]): Scalar => sum(mul(layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as Tensor, direction));
    for (const [index, x] of xs.entries()) {
      await expectGradient((moved) => loss(xs.map((each, at) => (at === index ? moved : each))), x, {step: 1e-3, abs: 2e-2, rel: 2e-2});
    }
    for (const weight of layer.trainableWeights) await checkWeightGradient(() => loss(xs), weight.read() as Variable, weight.originalName);
    direction.dispose();
  }

  for (const each of [...xs, y, yAgain]) each.dispose();
  again.dispose();
  net.dispose();
  expect(memory().numTensors, 'tensors after the test').toBe(before);
}

// Gates that start exactly open or shut hide mistakes; move every weight off its start, upwards,
// since one of them is a variance.
async function jitter(layer: Layer): Promise<void> {
  const random = new Random(5);
  for (const weight of layer.weights) {
    const moved = (await weight.read().data()).map((value) => value + random.uniform(0.05, 0.4));
    tidy(() => void weight.write(tensor(moved, weight.shape as number[])));
  }
}

async function checkWeightGradient(loss: () => Scalar, weight: Variable, name: string): Promise<void> {
  const analytic = await read(() => variableGrads(loss, [weight]).grads[weight.name]!);
  const start = await weight.data();
  const step = 2e-3;
  const count = Math.min(onGpuBackend ? 2 : 6, start.length);
  const probes = Array.from({length: count}, (_, each) => Math.floor((each * start.length) / count));
  const losses = await read(() =>
    stack(
      probes.flatMap((at) =>
        [step, -step].map((offset) =>
          tidy(() => {
            const moved = Float32Array.from(start);
            moved[at]! += offset;
            weight.assign(tensor(moved, weight.shape));
            return loss();
          }),
        ),
      ),
    ),
  );
  tidy(() => weight.assign(tensor(start, weight.shape)));
  const numeric = probes.map((_, each) => (losses[2 * each]! - losses[2 * each + 1]!) / (2 * step));
  expectClose(
    probes.map((at) => analytic[at]!),
    numeric,
    {abs: 5e-2, relToMax: 2e-2},
    `gradient of ${name}`,
  );
}
