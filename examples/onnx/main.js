/**
 * Explains a model that runs in ONNX Runtime: by RISE, which asks it for thousands of scores for every picture, and by an
 * explainer that is distilled from its scores once and then needs no more of them.
 *
 *     npm start
 */
import {writeFile, mkdir} from 'node:fs/promises';
import {
  AttentiveDistiller,
  batchesOf,
  energyInside,
  residualStudent,
  rise,
  scoresFromOnnx,
  selectBackend,
  teacherFromScores,
} from 'attentive-distiller';
import {view} from 'attentive-distiller/node';
import * as ort from 'onnxruntime-web';
import {COLOURS, regionOf, SIDE, squareOn} from '../sample/squares.js';
import {onnxModel} from './sample-model.js';

await selectBackend();
await mkdir('out', {recursive: true});
await writeFile('out/colours.onnx', onnxModel());

// A model of yours instead: its file here, its size, classes and preprocessing below.
const session = await ort.InferenceSession.create('out/colours.onnx');
const teacher = teacherFromScores(scoresFromOnnx(session, {Tensor: ort.Tensor}), {
  inputShape: [SIDE, SIDE, 3],
  numClasses: COLOURS.length,
  preprocessing: 'unit',
  labels: COLOURS,
});

const shown = Array.from({length: 8}, (_, index) => squareOn(index));
const pictures = batchesOf(
  Array.from({length: 96}, (_, index) => squareOn(8 + index)),
  {batchSize: 16, seed: 1},
);

const distiller = await AttentiveDistiller.create({teacher, student: residualStudent({depth: 18, width: 8}), seed: 1});
await distiller.train(pictures, {
  epochs: {student: 8},
  budget: {steps: 40},
  learningRate: {student: 3e-3},
  onProgress: ({stage, done, losses}) => {
    if (done % 20 === 0) console.log(stage, done, losses.total?.toFixed(3));
  },
});
const {agreement} = await distiller.evaluate(pictures, {causal: false});
console.log(`The student agrees with the model on ${(100 * agreement).toFixed(0)} % of the pictures.`);

const clock = async (explain) => {
  const start = performance.now();
  const maps = await explain();
  return {maps, milliseconds: ((performance.now() - start) / shown.length).toFixed(0)};
};
const distilled = await clock(() => distiller.explain(shown));
const asked = await clock(() => rise(shown, teacher, {numMasks: 500, variant: 'debiased', seed: 1}));
for (const [name, {maps, milliseconds}] of Object.entries({distilled, RISE: asked})) {
  const ratio = maps.reduce((sum, map, index) => sum + energyInside(map, regionOf(index)).ratio, 0) / maps.length;
  console.log(`${name}: on the square ${ratio.toFixed(1)} times as much as by chance, ${milliseconds} ms a picture`);
}
await view('out/maps', {images: shown, maps: {distilled: distilled.maps, RISE: asked.maps}, labels: COLOURS});
console.log('Pictures: out/maps/sheet.png');

distiller.dispose();
