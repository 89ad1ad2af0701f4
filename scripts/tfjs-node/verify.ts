/**
 * Loads the package named by the second argument, tfjs-node or tfjs-node-gpu, as the project named by the
 * first would, and adds two tensors: a process of its own, since a library that cannot be loaded may end it. Says what is wrong, and exits with 1.
 */
import {createRequire} from 'node:module';
import {join} from 'node:path';
import type * as core from '@tensorflow/tfjs-core';
import {restoreNodeUtil} from '../../src/tfjs/native/node-util.js';

const [project, name] = process.argv.slice(2) as [string, string];
const load = createRequire(join(project, 'package.json'));

try {
  restoreNodeUtil();
  load(name);
  const {add, getBackend, tensor1d} = load('@tensorflow/tfjs-core') as typeof core;
  // Null where tfjs-node has brought a copy of tfjs-core along.
  if (getBackend() !== 'tensorflow') throw new Error(`${name} and the project use two copies of @tensorflow/tfjs-core.`);
  const sum = add(tensor1d([1, 2]), tensor1d([10, 20])).dataSync();
  if (sum.join() !== '11,22') throw new Error(`[1, 2] + [10, 20] gives [${sum.join()}].`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
