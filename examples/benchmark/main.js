/**
 * A benchmark of one's own: an explainer that the library does not have, and a question that no metric of it asks, made of
 * `insertionScore`. The explainer is a blob in the middle, since photographers put things there; a method that is not better
 * has found nothing. The question: how many of the pixels have to be shown until the model is sure again?
 *
 *     npm start
 */
import {
  compare,
  energyInside,
  formatComparison,
  gradCamExplainer,
  insertionScore,
  loadTeacher,
  pairedDifferences,
  randomExplainer,
  riseExplainer,
} from 'attentive-distiller';
import {writeReport} from 'attentive-distiller/node';
import {layersModel} from '../sample/layers-model.js';
import {COLOURS, regionOf, SIDE, squareOn} from '../sample/squares.js';
import {writeFiles} from '../sample/write-files.js';

// A model and pictures of yours instead: loadTeacher(folder), decodeImage(file).
const teacher = await loadTeacher(await writeFiles('out/model', layersModel()), {preprocessing: 'unit', labels: COLOURS});
const images = Array.from({length: 24}, (_, index) => squareOn(index));

/**
 * An explainer of one's own: the same blob for every picture.
 *
 * @type {import('attentive-distiller').Explainer}
 */
const middle = {
  method: 'middle',
  explain: async (all) => {
    const scores = await randomExplainer(teacher).explain(all); // for the classes and their scores
    const data = Float32Array.from({length: SIDE * SIDE}, (_, pixel) => {
      const [y, x] = [Math.floor(pixel / SIDE) / SIDE - 0.5, (pixel % SIDE) / SIDE - 0.5];
      return Math.exp(-8 * (x * x + y * y));
    });
    return scores.map((map) => ({...map, method: 'middle', data}));
  },
};

/**
 * Metrics of one's own: each gets one image with its map, and returns a number.
 *
 * @type {import('attentive-distiller').Metric[]}
 */
const metrics = [
  {
    name: 'shown until sure',
    measure: async ({image, map, model, target, batchSize}) => {
      const [{curve, fractions}] = await insertionScore(image, [map], model, {target, batchSize, fill: 0.5, stepSize: 16});
      const sure = 0.9 * curve.at(-1);
      return fractions[curve.findIndex((score) => score >= sure)];
    },
  },
  {name: 'times chance', measure: ({map, index}) => energyInside(map, regionOf(index)).ratio},
];

const rows = await compare({
  explainers: {
    'Grad-CAM': gradCamExplainer(teacher),
    RISE: riseExplainer(teacher, {numMasks: 500, variant: 'debiased'}),
    middle,
    random: randomExplainer(teacher),
  },
  metrics: ['insertion', 'deletion', ...metrics],
  images,
  model: teacher,
  seed: 7,
  details: true,
});
console.log(formatComparison(rows, {standardErrors: true, digits: 2}));
console.log('\nEach minus "middle", on the same pictures:\n');
console.log(formatComparison(pairedDifferences(rows, {reference: 'middle'}), {standardErrors: true, digits: 2}));

await writeReport('out/report.html', {
  images,
  rows,
  preprocessing: teacher.preprocessing,
  labels: COLOURS,
  reference: 'middle',
  notes: {'shown until sure': 'The share of the pixels, on grey, at which the score reaches nine tenths of its last value.'},
});
console.log('Report: out/report.html');
teacher.dispose();
