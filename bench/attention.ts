/**
 * What attention adds: the same explanation network behind gates as they are made, gates trained by distillation (alone, or
 * with the copied weights), and none to speak of; with f̂ or Δf as its input; and the paper's form, in stages and jointly.
 * Every variant has the same steps, pictures and seed. What is measured is kept in out/attention, so that a run goes on.
 *
 * Options: `--model NAME`, `--steps N` (of the explanation network), `--distil N` (epochs of the student), `--images N`,
 * `--seed N`, `--only a,b`, `--backend NAME`.
 */
import {existsSync} from 'node:fs';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {
  AttentiveDistiller,
  batchesOf,
  CBAM,
  compare,
  paperMethod,
  selectBackend,
  studentFromTeacher,
  teacherFromLayersModel,
  type BackendName,
  type DistillerOptions,
  type StudentBuilder,
  type TrainOptions,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {loadModel} from './data.js';
import {qualityCases} from './quality-cases.js';
import type {BenchResult, BenchRow} from './report.js';

const BATCH = 16;
// Gates of .9999 hardly move: their sigmoids are flat there.
const OPEN = 0.9999;
const TRAINABLE = 0.9;

type Variant = Omit<DistillerOptions, 'teacher' | 'seed'> & {readonly training: TrainOptions};

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      model: {type: 'string', default: 'mobilenet_v1_025_128'},
      steps: {type: 'string', default: '120'},
      distil: {type: 'string', default: '2'},
      images: {type: 'string', default: '100'},
      seed: {type: 'string', default: '7'},
      only: {type: 'string'},
      backend: {type: 'string', default: 'wasm'},
    },
  });
  await selectBackend({prefer: [values.backend as BackendName]});
  const entry = qualityCases[values.model];
  if (entry === undefined)
    throw new RangeError(`--model must be one of ${Object.keys(qualityCases).join(', ')}, but is '${values.model}'.`);
  const [steps, seed, images] = [Number(values.steps), Number(values.seed), Number(values.images)];
  const variants = variantsOf(steps, Number(values.distil));
  const teacher = teacherFromLayersModel(await loadModel(values.model), {preprocessing: entry.preprocessing, name: values.model});
  const photos = batchesOf(await entry.training(), {batchSize: BATCH, seed, flip: true});
  const measured = await entry.measured(images);
  await mkdir('out/attention', {recursive: true});
  const rows: BenchRow[] = [];
  for (const name of values.only?.split(',') ?? Object.keys(variants)) {
    const variant = variants[name];
    if (variant === undefined) throw new RangeError(`--only must name ${Object.keys(variants).join(', ')}, but names '${name}'.`);
    const {training, ...form} = variant;
    const file = join(
      'out/attention',
      `${[values.model, name, steps, values.distil, images, seed].join(' ').replaceAll(/\W+/g, '-')}.json`,
    );
    if (!existsSync(file)) {
      const distiller = await AttentiveDistiller.create({teacher, seed, ...form});
      const bar = new ProgressBar();
      await distiller.train(photos, {...training, onProgress: ({done, total}) => bar.update({stage: name, done, total})});
      bar.stop();
      const {agreement, meanIntensity} = await distiller.evaluate([{images: measured.images}], {causal: false});
      const compared = await compare({
        explainers: {[name]: distiller},
        model: teacher,
        images: measured.images,
        metrics: [
          'insertion',
          'deletion',
          {metric: 'insertion', name: 'insertion, grey', fill: 0.5},
          {metric: 'deletion', name: 'deletion, grey', fill: 0.5},
        ],
        seed,
      });
      distiller.dispose();
      const shown = Object.entries(at(compared, 0).values).map(([metric, {mean, standardError}]) => [
        metric,
        `${mean.toFixed(3)} ± ${standardError.toFixed(3)}`,
      ]);
      await writeFile(file, JSON.stringify({variant: name, ...Object.fromEntries(shown), agreement, intensity: meanIntensity}));
    }
    const row = JSON.parse(await readFile(file, 'utf8')) as BenchRow;
    console.log(JSON.stringify(row));
    rows.push(row);
  }
  return {rows, ratios: {}};
}

function variantsOf(steps: number, distil: number): Readonly<Record<string, Variant>> {
  const budget = {steps};
  const untrained: TrainOptions = {budget, epochs: {student: 0}};
  const distilled: TrainOptions = {budget, epochs: {student: distil}};
  // The paper's form has no budget beside its epochs in joint training; 1000 pictures.
  const paper: TrainOptions = {fill: 'blur', lambda: 5e-5, epochs: {student: distil, explanation: Math.ceil((steps * BATCH) / 1000)}};
  return {
    'attended: gates as made': {training: untrained},
    'delta: gates as made': {guidance: 'delta', training: untrained},
    'attended: gates at .9': {student: studentFromTeacher({initialGate: TRAINABLE}), training: untrained},
    'delta: gates at .9': {student: studentFromTeacher({initialGate: TRAINABLE}), guidance: 'delta', training: untrained},
    'attended: distilled gates': {student: gatesOnly(), training: distilled},
    'delta: distilled gates': {student: gatesOnly(), guidance: 'delta', training: distilled},
    'attended: distilled gates and weights': {student: studentFromTeacher({initialGate: TRAINABLE}), training: distilled},
    'delta: distilled gates and weights': {student: studentFromTeacher({initialGate: TRAINABLE}), guidance: 'delta', training: distilled},
    'attended: nearly open gates and distilled weights': {student: studentFromTeacher({initialGate: OPEN}), training: distilled},
    'paper: in stages': {...paperMethod(), training: paper},
    'paper: jointly': {...paperMethod(), training: {...paper, mode: 'joint'}},
  };
}

/** A copy of the teacher of which only the attention learns. */
function gatesOnly(): StudentBuilder {
  const build = studentFromTeacher({initialGate: TRAINABLE});
  return async (teacher, options) => {
    const student = await build(teacher, options);
    for (const layer of student.model.layers) layer.trainable = layer instanceof CBAM;
    return student;
  };
}
