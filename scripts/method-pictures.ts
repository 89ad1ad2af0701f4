/**
 * Draws the picture of every page in docs/methods: photographs in the public domain, and below them their maps.
 * `tsx scripts/method-pictures.ts --images FOLDER [--only rise,lime]`; the teacher is MobileNet v1 0.25 at 128.
 */
import {mkdir, readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import sharp from 'sharp';
import {
  AttentiveDistiller,
  classActivationMapExplainer,
  gradCamExplainer,
  gradientSaliencyExplainer,
  integratedGradientsExplainer,
  limeExplainer,
  meaningfulPerturbationExplainer,
  occlusionExplainer,
  randomExplainer,
  riseExplainer,
  scoreCamExplainer,
  selectBackend,
  smoothGradExplainer,
  teacherFromLayersModel,
  type DecodedImage,
  type Explainer,
} from '../src/index.js';
import {decodeImage, pictureSheet, type PictureCell} from '../src/node/index.js';
import {overlay} from '../src/render/index.js';
import {loadModel} from '../bench/data.js';
import {qualityCases} from '../bench/quality-cases.js';

const MODEL = 'mobilenet_v1_025_128';
const CELL = 224;
const {values} = parseArgs({
  options: {images: {type: 'string'}, only: {type: 'string'}, out: {type: 'string', default: 'docs/pictures/methods'}},
});
if (values.images === undefined) throw new Error('--images FOLDER is needed.');
const entry = qualityCases[MODEL];
if (entry === undefined) throw new Error(`${MODEL} is not among the models of the quality bench.`);

await selectBackend({prefer: ['wasm']});
const teacher = teacherFromLayersModel(await loadModel(MODEL), {preprocessing: entry.preprocessing, name: MODEL});
const ours = await AttentiveDistiller.load(`file://bench/explainers/${MODEL}`, {teacher});
const explainers: Readonly<Record<string, Explainer>> = {
  'attentive-distiller': ours,
  'grad-cam': gradCamExplainer(teacher),
  'class-activation-map': classActivationMapExplainer(teacher),
  'score-cam': scoreCamExplainer(teacher),
  rise: riseExplainer(teacher, {numMasks: 2000, seed: 7}),
  lime: limeExplainer(teacher, {numSamples: 1000, seed: 7}),
  occlusion: occlusionExplainer(teacher),
  'meaningful-perturbation': meaningfulPerturbationExplainer(teacher),
  'gradient-saliency': gradientSaliencyExplainer(teacher),
  'smooth-grad': smoothGradExplainer(teacher, {numSamples: 50, seed: 7}),
  'integrated-gradients': integratedGradientsExplainer(teacher, {reduce: 'sum-abs'}),
  random: randomExplainer(teacher, {seed: 7}),
};

const folder = values.images;
const photos: DecodedImage[] = [];
for (const file of (await readdir(folder)).sort()) photos.push(await decodeImage(join(folder, file), {size: [CELL, CELL], fit: 'crop'}));
await mkdir(values.out, {recursive: true});
const chosen = values.only?.split(',') ?? Object.keys(explainers);
for (const name of chosen) {
  const explainer = explainers[name];
  if (explainer === undefined) throw new Error(`--only takes names among ${Object.keys(explainers).join(', ')}.`);
  const started = performance.now();
  const cells: PictureCell[] = [];
  for (const photo of photos) {
    const [map] = await explainer.explain(photo);
    if (map === undefined) throw new Error(`${name} has drawn no map.`);
    cells.push({image: overlay(photo, map, {opacity: 0.6})});
  }
  const {data, width, height} = await pictureSheet([{cells: photos.map((image) => ({image}))}, {cells}], {
    cellSize: CELL,
    gap: 4,
    kernel: 'lanczos3',
  });
  const file = join(values.out, `${name}.webp`);
  await writeFile(
    file,
    await sharp(data, {raw: {width, height, channels: 4}})
      .webp({quality: 72})
      .toBuffer(),
  );
  console.log(`${file}: ${width}×${height}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
ours.dispose();
