/**
 * Saves two distillers to one folder in turns, for ever. Prints what each holds, and every save when it is done.
 * Argument: the folder.
 */
import '@tensorflow/tfjs-backend-wasm';
import {setBackend} from '@tensorflow/tfjs-core';
import {AttentiveDistiller} from '../../src/index.js';
import {patchTeacher} from '../helpers/patch-world.js';

await setBackend('wasm');
const url = `file://${process.argv[2] ?? ''}`;
const teacher = patchTeacher();
const first = await AttentiveDistiller.create({teacher, seed: 1});
const second = await AttentiveDistiller.create({teacher, seed: 2});
console.log('ready');
for (;;) {
  for (const distiller of [first, second]) {
    await distiller.save(url);
    console.log(`saved ${distiller.seed}`);
  }
}
