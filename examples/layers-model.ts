/**
 * Explains a LayersModel that tfjs-converter made of a model of Keras: says what is known of it, distils it for some
 * steps, and writes a sheet of Grad-CAM and distilled maps.
 *
 *     npx tsx examples/layers-model.ts [folder of the model] [folder of pictures]
 *
 * Without arguments it takes the small classifier and the pictures of the quickstart.
 */
import {AttentiveDistiller, batchesOf, describeTeacher, gradCam, loadTeacher, overlay} from '../src/index.js';
import {imageFolder, pictureSheet, writePng} from '../src/node/index.js';
import {generateShape} from '../quickstart/shapes.js';

const SHEET = 'out/layers-model.png';
const [folder = 'quickstart/teacher', pictures] = process.argv.slice(2);

const teacher = await loadTeacher(folder, {preprocessing: 'tf'});
console.log(describeTeacher(teacher).text);

const drawn = Array.from({length: 72}, (_, index) => generateShape(7, index).image);
const batches =
  pictures === undefined
    ? batchesOf(drawn.slice(8), {batchSize: 8, seed: 1})
    : await imageFolder(pictures, {size: teacher.inputShape.slice(0, 2) as [number, number], batchSize: 8, seed: 1});

const distiller = await AttentiveDistiller.create({teacher, seed: 1});
const {warnings} = await distiller.train(batches, {budget: {steps: 40}});
for (const warning of warnings) console.log(warning);

const shown = drawn.slice(0, 8);
const [cams, maps] = [await gradCam(shown, teacher), await distiller.explain(shown)];
const rows = shown.map((image, index) => ({
  cells: [cams, maps].map((all) => {
    const map = all[index] as (typeof maps)[number];
    return {image: overlay(image, map), caption: `class ${map.target} ${map.score.toFixed(2)}`};
  }),
}));
await writePng(SHEET, await pictureSheet(rows, {columns: ['Grad-CAM', 'distilled']}));
console.log(`Maps: ${SHEET}`);

distiller.dispose();
teacher.dispose();
