/** Imports every example in the folder that it was copied to, with fresh values behind the names that all examples share. */
/* global console, performance, process */
import {readFileSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {dispose, stack, unstack} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  batchesOf,
  compare,
  gradCam,
  gradCamExplainer,
  loadTeacher,
  randomExplainer,
  selectBackend,
  toNetworkInput,
} from 'attentive-distiller';
import {decodeImage} from 'attentive-distiller/node';

await selectBackend({prefer: ['wasm']});
const names = JSON.parse(readFileSync('examples.json', 'utf8'));
const files = (await readdir('photos')).sort().map((name) => `photos/${name}`);
const pictures = await Promise.all(files.map((file) => decodeImage(file)));
const teacher = await loadTeacher('model', {preprocessing: 'tf'});
const tensors = (count) => {
  const inputs = pictures.slice(0, count).flatMap((picture) => unstack(toNetworkInput(picture, teacher)));
  return stack(inputs);
};
const images = tensors(3);
const maps = await gradCam(images, teacher);
const mask = Array.from({length: maps[0].data.length}, (_, pixel) => pixel % 2 === 0);
const rows = await compare({
  explainers: {'Grad-CAM': gradCamExplainer(teacher), random: randomExplainer(teacher)},
  metrics: ['insertion'],
  images,
  model: teacher,
  details: true,
});

let failed = 0;
for (const [index, name] of names.entries()) {
  const started = performance.now();
  const distiller = await AttentiveDistiller.create({teacher, seed: 7});
  Object.assign(globalThis, {teacher, model: teacher.model, distiller, images, maps, map: maps[0], mask, rows, files});
  Object.assign(globalThis, {image: unstack(images)[0], picture: pictures[0], tensor: tensors(2)});
  Object.assign(globalThis, {batches: batchesOf(pictures, {batchSize: 4, seed: 7}), load: async () => tensors(1)});
  const log = console.log;
  console.log = () => undefined;
  try {
    await import(`./example-${index}.mjs`);
    console.log = log;
    console.log(`${name} runs, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.log = log;
    console.error(`${name} fails:`, error);
    failed++;
  }
  distiller.dispose();
  dispose(globalThis.tensor);
}
if (failed > 0) console.error(`${failed} of ${names.length} examples fail.`);
process.exit(failed > 0 ? 1 : 0);
