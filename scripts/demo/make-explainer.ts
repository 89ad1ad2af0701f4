/**
 * Distils the quickstart's teacher into the explainer that the demo page has from the start: docs/demo/public/explainer.
 * Seed 7, 640 steps of 16 pictures; some six minutes on one core, on wasm. `npx tsx scripts/demo/make-explainer.ts` after a
 * build. To be run again where the teacher changes: a save fits no other.
 */
import {readdirSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {AttentiveDistiller, batchesOf, compare, formatComparison, gradCamExplainer, selectBackend} from 'attentive-distiller';
import {loadLayersModelFromFiles} from 'attentive-distiller/node';
import {generateShape, seeds} from '../../quickstart/shapes.js';

const SEED = 7;
const STEPS = 640;
const PICTURES = 2048;
const BATCH = 16;
const UNSEEN = 48;
/** Half of the usual width: the page loads a quarter of the weights. */
const FILTERS = [32, 32, 16, 8];

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docs/demo/public/explainer');
const started = performance.now();
await selectBackend({prefer: ['wasm']});
const model = await loadLayersModelFromFiles(join(root, 'quickstart/teacher'));
const pictures = Array.from({length: PICTURES}, (_, index) => generateShape(seeds.validation, index).image);
const distiller = await AttentiveDistiller.create({teacher: model, preprocessing: 'tf', seed: SEED, decoder: {filters: FILTERS}});
const {warnings} = await distiller.train(batchesOf(pictures, {batchSize: BATCH, seed: SEED}), {
  budget: {steps: STEPS},
  onProgress: ({done, losses, secondsLeft}) => {
    if (done % 40 === 0) console.log(`step ${done}: loss ${losses['total']?.toFixed(3)}, ${secondsLeft.toFixed(0)} s left`);
  },
});
for (const warning of warnings) console.log(warning);

rmSync(folder, {recursive: true, force: true});
await distiller.save(`file://${folder}`);
const unseen = Array.from({length: UNSEEN}, (_, index) => generateShape(seeds.test, index));
const rows = await compare({
  explainers: {ours: distiller, 'Grad-CAM': gradCamExplainer(distiller.teacher)},
  metrics: ['insertion', 'deletion', 'energy'],
  images: unseen.map(({image}) => image),
  model: distiller.teacher,
  regions: unseen.map(({evidence}) => evidence),
});
console.log(formatComparison(rows));
for (const name of readdirSync(folder)) console.log(`${name}: ${(statSync(join(folder, name)).size / 1000).toFixed(0)} kB`);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s in all.`);
distiller.dispose();
model.dispose();
