/**
 * Trains on wasm with a state after every second step, going on from the state of an earlier process if there is one.
 * Prints where it begins, every step, and in the end what it has come to. Argument: the folder of the states.
 */
import '@tensorflow/tfjs-backend-wasm';
import {setBackend} from '@tensorflow/tfjs-core';
import {createHash} from 'node:crypto';
import {AttentiveDistiller, ModelFileError, type FitOptions} from '../../src/index.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

await setBackend('wasm');
const to = `file://${process.argv[2] ?? ''}`;
const teacher = patchTeacher();
const batches = Array.from({length: 5}, (_, index) => patchBatch(4 * index, 4));
const options: FitOptions = {
  epochs: {student: 2, explanation: 6},
  validation: batches.slice(0, 1),
  patience: 6,
  checkpoint: {to, everySteps: 2},
};

const distiller = await AttentiveDistiller.resume(to, {teacher}).catch((error: unknown) => {
  if (!(error instanceof ModelFileError)) throw error;
  return AttentiveDistiller.create({teacher, seed: 5});
});
console.log(`from ${distiller.history.filter(({kind}) => kind === 'step').length}`);
for await (const {kind, done} of distiller.fit(batches, options)) if (kind === 'step') console.log(`step ${done}`);

const hash = createHash('sha256');
for (const {data} of await distiller.explain(batches[0]!.images)) hash.update(data);
for (const {kind, done, losses} of distiller.history) hash.update(JSON.stringify([kind, done, losses]));
console.log(`end ${hash.digest('hex')}`);
