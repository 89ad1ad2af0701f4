/**
 * The library's main job in one go: take a trained classifier, distil it into an explainer, and look
 * at what it draws for pictures that neither has seen. `npm run quickstart -- --help` lists options.
 */
import {
  AttentiveDistiller,
  compare,
  energyInside,
  formatComparison,
  gradCamExplainer,
  limeExplainer,
  randomExplainer,
  riseExplainer,
  selectBackend,
  type Metric,
} from '../src/index.js';
import {readOptions} from './options.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {writeSheet} from './sheet.js';
import {ownWorld, shapesWorld, type World} from './worlds.js';

const SHEET = 12;
// RISE and LIME ask the teacher hundreds of times per picture.
const SLOW = 4;

const started = performance.now();
const options = readOptions();
const {backend, adapter, unavailable} = await selectBackend();
console.log(
  `Backend: ${backend}${adapter === undefined ? '' : ` on ${adapter}`}.${unavailable.map(({name, reason}) => `\n  not ${name}: ${reason}`).join('')}`,
);

const {teacher: teacherFolder, images} = options;
const world: World =
  teacherFolder !== undefined && images !== undefined
    ? await ownWorld({...options, teacher: teacherFolder, images})
    : await shapesWorld(options);
const {model, preprocessing, batches, unseen, className} = world;

const distiller = await AttentiveDistiller.create({teacher: model, preprocessing, seed: options.seed});
const bar = new ProgressBar();
const budget = options.minutes === undefined ? world.training.budget : {minutes: options.minutes};
const {warnings} = await distiller.train(batches, {
  ...world.training,
  budget,
  onProgress: ({done, total, losses, secondsLeft}) => {
    bar.update({stage: 'distil', done, total}, `loss ${(losses['total'] as number).toFixed(3)}, ${secondsLeft.toFixed(0)} s left`);
  },
});
bar.stop();
for (const warning of warnings) console.log(warning);

// Every method explains the same pictures and classes; the slow ones fewer of them.
const {teacher} = distiller;
const known = unseen.every(({evidence}) => evidence !== undefined);
const timesChance: Metric = {
  name: 'times chance',
  measure: ({map, index}) => energyInside(map, unseen[index]?.evidence as Uint8Array).ratio,
};
const rows = await compare({
  explainers: {
    ours: distiller,
    RISE: riseExplainer(teacher, {numMasks: 400, gridSize: 7}),
    LIME: limeExplainer(teacher, {numSamples: 400, segmenter: 'slic'}),
    'Grad-CAM': gradCamExplainer(teacher),
    random: randomExplainer(teacher),
  },
  metrics: ['insertion', 'deletion', ...(known ? (['energy', timesChance] as const) : []), 'seconds'],
  images: unseen.map(({image}) => image),
  model: teacher,
  regions: known ? unseen.map(({evidence}) => evidence) : undefined,
  limits: {RISE: SLOW, LIME: SLOW},
  seed: options.seed,
  onProgress: (progress) => {
    bar.update(progress);
  },
});
bar.stop();

const maps = await distiller.explain(unseen.slice(0, SHEET).map(({image}) => image));
await writeSheet(
  maps.map((map, index) => ({
    ...(unseen[index] as World['unseen'][number]),
    map,
    caption: `${className(map.target)} ${map.score.toFixed(2)}`,
  })),
  options.out,
);
console.log(
  `\nUnseen pictures. Insertion: higher is better; deletion: lower.${known ? ' Energy: share of the map on the object that decides.' : ''}\n`,
);
console.log(formatComparison(rows));
console.log(`\nPictures: ${options.out}. ${((performance.now() - started) / 1000).toFixed(0)} s in all.`);

distiller.dispose();
model.dispose();
