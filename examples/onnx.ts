/**
 * Explains a model of ONNX, which runs in ONNX Runtime: by RISE, which asks it for scores, and by an explainer that is
 * distilled from its scores alone.
 *
 *     npx tsx examples/onnx.ts
 *
 * The model is written here, as ONNX, from a small network of layers that knows three colours.
 */
import {initializers, layers, sequential} from '@tensorflow/tfjs-layers';
import {tensor} from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-web';
import {AttentiveDistiller, energyInside, residualStudent, rise, scoresFromOnnx, selectBackend, teacherFromScores} from '../src/index.js';
import {onnxOfLayers} from '../scripts/onnx/onnx-of-layers.js';
import {regionOf, SIDE, squareOn} from './_squares.js';

await selectBackend();

// Looks for pure colours: each channel less the others, then its mean.
const network = sequential({
  layers: [
    layers.conv2d({inputShape: [SIDE, SIDE, 3], filters: 3, kernelSize: 1, useBias: true, activation: 'relu'}),
    layers.globalAveragePooling2d({}),
    layers.dense({units: 3, activation: 'softmax', kernelInitializer: initializers.identity({gain: 40})}),
  ],
});
network.layers[0]?.setWeights([tensor([2, -1, -1, -1, 2, -1, -1, -1, 2], [1, 1, 3, 3]), tensor([-0.3, -0.3, -0.3])]);

const session = await ort.InferenceSession.create(await onnxOfLayers(network));
const score = scoresFromOnnx(session, {Tensor: ort.Tensor as never});
const teacher = teacherFromScores(score, {
  inputShape: [SIDE, SIDE, 3],
  numClasses: 3,
  preprocessing: 'unit',
  labels: ['red', 'green', 'blue'],
});

const pictures = Array.from({length: 96}, (_, index) => squareOn(index));
const distiller = await AttentiveDistiller.create({teacher, student: residualStudent({depth: 18, width: 8}), seed: 1});
const batches = Array.from({length: 6}, (_, batch) => ({images: pictures.slice(16 * batch, 16 * batch + 16)}));
await distiller.train(batches, {
  epochs: {student: 20},
  budget: {steps: 60},
  learningRate: {student: 3e-3},
  onProgress: ({stage, done, losses}) => {
    if (done % 20 === 0) console.log(stage, done, losses['total']?.toFixed(3));
  },
});
const {agreement} = await distiller.evaluate(batches, {causal: false});
const shown = pictures.slice(0, 8);
const [maps, asked] = [await distiller.explain(shown), await rise(shown, teacher, {numMasks: 300, seed: 1})];
const inside = (all: typeof maps): string =>
  (all.reduce((sum, map, index) => sum + energyInside(map, regionOf(index)).ratio, 0) / all.length).toFixed(1);
console.log(`The student agrees on ${(100 * agreement).toFixed(0)} % of the pictures.`);
console.log(`The maps lie on the square ${inside(maps)} (distilled) and ${inside(asked)} (RISE) times as much as by chance.`);
distiller.dispose();
network.dispose();
