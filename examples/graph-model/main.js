/**
 * Explains a GraphModel, as tfjs-converter makes it of a SavedModel, or a LayersModel, as it makes it of a model of Keras: says
 * what is known of it, then draws Grad-CAM at its last feature map and the maps of an explainer that is distilled on the spot.
 *
 *     npm start [-- the folder of a model, a folder of photos]
 */
import {AttentiveDistiller, batchesOf, describeTeacher, energyInside, gradCam, listLayers, loadTeacher} from 'attentive-distiller';
import {imageFolder, view} from 'attentive-distiller/node';
import {COLOURS, regionOf, squareOn} from '../sample/squares.js';
import {writeFiles} from '../sample/write-files.js';
import {graphModel} from './sample-model.js';

const [folder, photos] = process.argv.slice(2);
const teacher = await (folder === undefined
  ? loadTeacher(await writeFiles('out/model', graphModel()), {preprocessing: 'unit', labels: COLOURS})
  : loadTeacher(folder, {preprocessing: 'tf'}));
console.log(describeTeacher(teacher).text);
console.log('Layers, by which Grad-CAM can be told where to look:');
for (const {path, outputShape} of listLayers(teacher.model)) console.log(`  ${path} [${outputShape.slice(1).join(', ')}]`);

const [height, width] = teacher.inputShape;
const pictures =
  photos === undefined
    ? batchesOf(
        Array.from({length: 64}, (_, index) => squareOn(8 + index)),
        {batchSize: 8, seed: 1},
      )
    : await imageFolder(photos, {size: [height, width], batchSize: 8, seed: 1});
const distiller = await AttentiveDistiller.create({teacher, seed: 1});
const {warnings} = await distiller.train(pictures, photos === undefined ? {budget: {steps: 60}} : {budget: {minutes: 3}});
for (const warning of warnings) console.log(warning);

const shown = photos === undefined ? Array.from({length: 8}, (_, index) => squareOn(index)) : (await firstOf(pictures)).slice(0, 8);
const maps = {'Grad-CAM': await gradCam(shown, teacher), distilled: await distiller.explain(shown)};
if (photos === undefined) {
  for (const [name, drawn] of Object.entries(maps)) {
    const ratio = drawn.reduce((sum, map, index) => sum + energyInside(map, regionOf(index)).ratio, 0) / drawn.length;
    console.log(`${name}: on the square ${ratio.toFixed(1)} times as much as by chance`);
  }
}
await view('out/maps', {images: shown, maps, labels: teacher.labels});
console.log('Pictures: out/maps/sheet.png');

distiller.dispose();
teacher.dispose();

/** The pictures of the first batch. */
async function firstOf(batches) {
  for await (const {images} of batches(0)) return images;
}
