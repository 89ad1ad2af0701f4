/**
 * Compiles every example of README and docs, and runs it: against dist, by the name of the package, in Node on wasm, with the
 * teacher and the pictures of the quickstart. `npm run check:docs [-- --only docs/metrics.md]`; it wants `npm run build` first.
 * What would take minutes is made small by the replacements below; what cannot run here says why in the line before its fence:
 * `<!-- check: types only, REASON -->`.
 */
import {spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import sharp from 'sharp';
import ts from 'typescript';
import {generateShape, seeds} from '../quickstart/shapes.js';
import {compileErrors, docPages, examplesOf} from './doc-examples.js';
import {buildFaults} from './shipping/build-faults.js';
import {root} from './shipping/entries.js';

const PHOTOS = 8;
const SIDE = 64;

// The teacher of the quickstart has 8 classes and takes 64×64 pixels; the examples have a MobileNet in mind, and time.
const replacements: readonly (readonly [RegExp, string])[] = [
  [/\[224, 224\]/g, `[${SIDE}, ${SIDE}]`],
  [/\b224 \* 8\b/g, `${SIDE} * 8`],
  [/\bbudget: \{(minutes|steps): \d+\}/g, 'budget: {steps: 2}'],
  [/\.train\((batches|generator)\)/g, '.train($1, {budget: {steps: 2}})'],
  [/\.train\(batches, \{workers/g, '.train(batches, {budget: {steps: 2}, workers'],
  [/\bnumMasks: \d+/g, 'numMasks: 40'],
  [/\bnumSamples: \d+/g, 'numSamples: 40'],
  [/\bnumSteps: \d+/g, 'numSteps: 8'],
  [/(rise|riseExplainer)\((image, )?teacher\)/g, '$1($2teacher, {numMasks: 40})'],
  [/\btarget: \[281, 207\]/g, 'target: [3, 5]'],
  [/\/shared\/shards/g, 'out/shards'],
];

const {values} = parseArgs({options: {only: {type: 'string'}}});
const faults = buildFaults();
if (faults.length > 0) throw new Error(`dist must be whole and fresh (npm run build): ${faults.join(' ')}`);
const examples = docPages.filter((page) => values.only === undefined || page === values.only).flatMap(examplesOf);
const errors = compileErrors(examples);
if (errors.length > 0) throw new Error(`These examples do not compile:\n${errors.join('\n')}`);

// Inside of the repository, so that the name of the package leads to its dist.
const place = join(root, 'out/check-docs');
rmSync(place, {recursive: true, force: true});
await layOut();
const run = examples.filter(({typesOnly}) => typesOnly === undefined);
for (const [index, {text}] of run.entries()) {
  const small = replacements.reduce((before, [what, by]) => before.replace(what, by), text);
  const {outputText} = ts.transpileModule(small, {compilerOptions: {target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext}});
  writeFileSync(join(place, `example-${index}.mjs`), outputText);
}
writeFileSync(join(place, 'examples.json'), JSON.stringify(run.map(({page, line}) => `${page}:${line}`)));
cpSync(join(root, 'scripts/docs-runner.mjs'), join(place, 'docs-runner.mjs'));
const {status} = spawnSync(process.execPath, ['docs-runner.mjs'], {cwd: place, stdio: 'inherit'});
for (const {page, line, typesOnly} of examples) if (typesOnly !== undefined) console.log(`${page}:${line} is compiled only: ${typesOnly}`);
console.log(`${examples.length} examples compile, ${run.length} of them were run.`);
process.exitCode = status ?? 1;

/** The files that the examples name: models, photos, a list of files. */
async function layOut(): Promise<void> {
  for (const folder of ['models/my-classifier', 'models/birds', 'models/mobilenet', 'model'])
    cpSync(join(root, 'quickstart/teacher'), join(place, folder), {recursive: true});
  for (const folder of ['photos', 'birds/train/a', 'birds/train/b']) mkdirSync(join(place, folder), {recursive: true});
  for (let index = 0; index < PHOTOS; index++) {
    const {data, width, height, channels = 3} = generateShape(seeds.test, index).image;
    const picture = sharp(data, {raw: {width, height, channels}});
    const folders = ['photos', index % 2 === 0 ? 'birds/train/a' : 'birds/train/b'];
    for (const folder of folders) await picture.clone().toFile(join(place, folder, `${index}.png`));
    if (index === 0) await picture.clone().jpeg().toFile(join(place, 'cat.jpg'));
  }
}
