/**
 * The library's main job in one go: take a trained classifier, distil it into an explainer, and look
 * at what it draws for pictures that neither has seen. `npm run quickstart -- --help` lists options.
 */
import {
  AttentiveDistiller,
  deletionScore,
  evidenceShare,
  insertionScore,
  randomMap,
  selectBackend,
  type SaliencyMap,
} from '../src/index.js';
import {readOptions} from './options.js';
import {ProgressBar} from './progress-bar.js';
import {writeSheet} from './sheet.js';
import {formatTable} from './table.js';
import {ownWorld, shapesWorld, type World} from './worlds.js';

const SHEET = 12;
const CAUSAL_STEPS = 32;

const started = performance.now();
const options = readOptions();
const {backend, unavailable} = await selectBackend();
console.log(`Backend: ${backend}.${unavailable.map(({name, reason}) => `\n  not ${name}: ${reason}`).join('')}`);

const {teacher: teacherFolder, images} = options;
const world: World =
  teacherFolder !== undefined && images !== undefined ? await ownWorld({...options, teacher: teacherFolder, images}) : await shapesWorld(options);
const {model, preprocessing, batches, batchesPerEpoch, unseen, className} = world;

const distiller = await AttentiveDistiller.create({teacher: model, preprocessing, seed: options.seed});
const bar = new ProgressBar();
const epochs = options.epochs === undefined ? world.training.epochs : {student: 1, explanation: options.epochs};
const lambda = options.lambda ?? world.training.lambda;
for await (const {stage, done, total, losses, meanIntensity} of distiller.fit(batches, {...world.training, epochs, lambda, batchesPerEpoch})) {
  const map = meanIntensity === null ? '' : `, mean of H ${meanIntensity.toFixed(2)}`;
  bar.update({stage: 'distil', done, total}, `${stage} loss ${(losses['total'] as number).toFixed(3)}${map}`);
}
bar.stop();

const maps = await distiller.explain(unseen.map(({image}) => image));
const random = maps.map(({height, width, target}, index) => randomMap({height, width, target, seed: options.seed + index}));
const methods: Record<string, readonly SaliencyMap[]> = {ours: maps, random};

const rows: (string | number)[][] = [];
for (const [method, drawn] of Object.entries(methods)) {
  const [height, width] = distiller.teacher.inputShape;
  const stepSize = Math.ceil((height * width) / CAUSAL_STEPS);
  const measure = async (score: typeof insertionScore, stage: string): Promise<number> => {
    const results = await score(unseen.map(({image}) => image), drawn, distiller.teacher, {
      stepSize,
      onProgress: ({done, total}) => {
        bar.update({stage: `${stage}, ${method}`, done, total});
      },
    });
    return mean(results.map(({auc}) => auc));
  };
  const row: (string | number)[] = [method, await measure(insertionScore, 'insertion'), await measure(deletionScore, 'deletion')];
  const shares = drawn.flatMap((map, index) => {
    const evidence = unseen[index]?.evidence;
    return evidence === undefined ? [] : [evidenceShare(map, evidence)];
  });
  if (shares.length > 0) row.push(mean(shares.map(({share}) => share)), mean(shares.map(({areaShare}) => areaShare)), mean(shares.map(({ratio}) => ratio)));
  rows.push(row);
}
bar.stop();

await writeSheet(
  maps.slice(0, SHEET).map((map, index) => ({...(unseen[index] as World['unseen'][number]), map, caption: `${className(map.target)} ${map.score.toFixed(2)}`})),
  options.out,
);
const evidenceColumns = rows[0]?.length === 6 ? ['H on evidence', 'evidence area', 'times chance'] : [];
console.log(`\n${unseen.length} unseen pictures (insertion: higher is better, deletion: lower)\n`);
console.log(formatTable(['method', 'insertion', 'deletion', ...evidenceColumns], rows));
console.log(`\nPictures: ${options.out}. ${((performance.now() - started) / 1000).toFixed(0)} s in all.`);

distiller.dispose();
model.dispose();

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
