/** Explainers that a bench trains, and puts beside what made them; what was interrupted goes on. */
import {existsSync} from 'node:fs';
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {getBackend} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  FlatMapError,
  ModelFileError,
  type DistillerOptions,
  type Teacher,
  type TrainingBatches,
  type TrainOptions,
} from '../src/index.js';
import {ProgressBar} from '../src/cli/progress-bar.js';

/** Loads the explainer of a folder, and says how it was made; `undefined` where there is none. */
export async function explainerIn(folder: string, name: string, teacher: Teacher): Promise<AttentiveDistiller | undefined> {
  if (!existsSync(join(folder, 'training.json'))) return undefined;
  const {command, seconds} = JSON.parse(await readFile(join(folder, 'training.json'), 'utf8')) as {command: string; seconds: number};
  console.log(`${name}: made in ${seconds} s by ${command}`);
  return AttentiveDistiller.load(`file://${folder}`, {teacher});
}

/** How an explainer is made. */
export interface ExplainerRecipe extends DistillerOptions {
  readonly teacher: Teacher;
  readonly seed: number;
  /** Made where they are needed. */
  readonly batches: () => Promise<TrainingBatches>;
  readonly training: TrainOptions;
  /** Where the state of the training is kept meanwhile. */
  readonly states: string;
  /** What made it, for training.json. */
  readonly command: string;
  /** The folder of an explainer of the same teacher that is trained on. @default a new one */
  readonly from?: string | undefined;
}

/** Trains an explainer, or goes on with that, and saves it in a folder. */
export async function makeExplainer(
  folder: string,
  name: string,
  {batches, training, states, command, from, ...create}: ExplainerRecipe,
): Promise<AttentiveDistiller> {
  const to = `file://${states}`;
  const distiller = await AttentiveDistiller.resume(to, {teacher: create.teacher}).catch((error: unknown) => {
    if (!(error instanceof ModelFileError)) throw error;
    return from === undefined ? AttentiveDistiller.create(create) : AttentiveDistiller.load(`file://${from}`, {teacher: create.teacher});
  });
  const started = performance.now();
  // Maps that have become flat are a result as well: a λ that does not fit.
  const flat = (error: unknown): {seconds: number; steps: number} => {
    if (!(error instanceof FlatMapError)) throw error;
    console.log(`${name}: ${error.message}`);
    return {seconds: (performance.now() - started) / 1000, steps: NaN};
  };
  const options = {checkpoint: {to, everySeconds: 60}, ...training};
  const {seconds, steps} = await trainShown(name, distiller, await batches(), options).catch(flat);
  await mkdir(folder, {recursive: true});
  await distiller.save(`file://${folder}`);
  const facts = {command, from, seed: create.seed, steps, seconds: Math.round(seconds), backend: getBackend(), node: process.version};
  await writeFile(join(folder, 'training.json'), `${JSON.stringify(facts, null, 2)}\n`);
  await rm(states, {recursive: true, force: true});
  return distiller;
}

/** Trains with a bar, and says what is not as it should be. */
export async function trainShown(
  stage: string,
  distiller: AttentiveDistiller,
  batches: TrainingBatches,
  options: TrainOptions,
): Promise<{seconds: number; steps: number}> {
  const bar = new ProgressBar();
  const {seconds, steps, warnings} = await distiller.train(batches, {
    ...options,
    onProgress: ({done, total, losses, secondsLeft}) => {
      bar.update({stage, done, total}, `loss ${(losses['total'] ?? NaN).toFixed(3)}, ${(secondsLeft / 60).toFixed(0)} min left`);
    },
  });
  bar.stop();
  for (const warning of warnings) console.log(`${stage}: ${warning}`);
  return {seconds, steps};
}
