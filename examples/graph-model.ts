/**
 * Explains a GraphModel, as tfjs-converter makes it of a SavedModel: by Grad-CAM at its last feature map, and by an
 * explainer that is distilled for a minute on the pictures at hand.
 *
 *     npx tsx examples/graph-model.ts [folder of the model] [folder of pictures]
 *
 * Without arguments it takes the converted model in the folder named by AKD_DATA, and pictures of coloured squares.
 */
import {join} from 'node:path';
import {AttentiveDistiller, energyInside, gradCam, loadTeacher, overlay, type DecodedImage, type TrainingBatches} from '../src/index.js';
import {listLayers} from '../src/models/index.js';
import {imageFolder, pictureSheet, writePng, type PictureRow} from '../src/node/index.js';

const SQUARE = 16;
const SHEET = 'out/graph-model.png';

const data = process.env['AKD_DATA'] ?? join(import.meta.dirname, '../../shared/data');
const [folder = join(data, 'graph-models/seq_graph'), pictures] = process.argv.slice(2);

// Its own first node scales the pixels, so it takes them as they are; another model may want 'tf' or 'torch'.
const teacher = await loadTeacher(folder, {preprocessing: 'none', labels: ['red', 'green', 'blue', 'yellow']});
const [height, width] = teacher.inputShape;
console.log(`${teacher.numClasses} classes, images of ${height}×${width}. Nodes that everything flows through:`);
for (const {path, outputShape} of listLayers(teacher.model as NonNullable<typeof teacher.model>)) {
  console.log(`  ${path} [${outputShape.slice(1).join(', ')}]`);
}

const shown = Array.from({length: 8}, (_, index) => squareOn(index));
const batches: TrainingBatches =
  pictures === undefined
    ? Array.from({length: 8}, (_, batch) => ({images: Array.from({length: 8}, (_, index) => squareOn(8 + batch * 8 + index))}))
    : await imageFolder(pictures, {size: [height, width], batchSize: 8, seed: 1});

const distiller = await AttentiveDistiller.create({teacher, seed: 1});
const {warnings} = await distiller.train(batches, {budget: {minutes: 1}});
for (const warning of warnings) console.log(warning);

const cams = await gradCam(shown, teacher);
const maps = await distiller.explain(shown);
const rows: PictureRow[] = shown.map((image, index) => ({
  cells: [cams, maps].map((drawn) => {
    const map = drawn[index] as (typeof maps)[number];
    return {image: overlay(image, map), caption: `${teacher.labels?.[map.target]} ${map.score.toFixed(2)}`};
  }),
}));
await writePng(SHEET, await pictureSheet(rows, {columns: ['Grad-CAM', 'distilled']}));
const inside = (drawn: typeof cams): string => {
  const ratios = drawn.map((map, index) => energyInside(map, regionOf(index)).ratio);
  return (ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toFixed(1);
};
console.log(`The maps lie on the square ${inside(cams)} (Grad-CAM) and ${inside(maps)} (distilled) times as much as by chance: ${SHEET}`);

distiller.dispose();
teacher.dispose();

/** Where the square of a picture begins. */
function cornerOf(index: number): readonly [row: number, column: number] {
  return [(index * 29) % (height - SQUARE), (index * 17) % (width - SQUARE)];
}

/** A grey picture with a square of one of the four colours. */
function squareOn(index: number): DecodedImage {
  const colours = [
    [220, 40, 40],
    [40, 200, 40],
    [40, 40, 220],
    [220, 220, 40],
  ];
  const colour = colours[index % colours.length] as number[];
  const region = regionOf(index);
  const pixels = Uint8ClampedArray.from({length: height * width * 3}, (_, place) =>
    region[Math.floor(place / 3)] === 1 ? (colour[place % 3] as number) : 128,
  );
  return {data: pixels, width, height, channels: 3};
}

/** 1 where the square of a picture is. */
function regionOf(index: number): Uint8Array {
  const [top, left] = cornerOf(index);
  return Uint8Array.from({length: height * width}, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    return row >= top && row < top + SQUARE && column >= left && column < left + SQUARE ? 1 : 0;
  });
}
