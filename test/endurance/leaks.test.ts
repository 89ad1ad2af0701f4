/** Ten thousand calls of all public functions in a random order: no tensor stays, and memory stays level. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {getBackend, memory} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {writePng} from '../../src/node/index.js';
import {makeWorld} from '../fuzz/calls.js';
import {free, freeTensors} from '../fuzz/free.js';
import {rounds} from '../helpers/environment.js';

const CALLS = rounds(10_000, 600);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Resident memory in MiB after a collection. */
function resident(): number {
  collect();
  return process.memoryUsage().rss / 2 ** 20;
}

it(`${CALLS} mixed calls`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leaks-'));
  await writePng(join(folder, 'a.png'), {data: new Uint8Array(48), width: 4, height: 4});
  const world = await makeWorld(folder);
  // That one would change the backend that is looked at.
  const calls = world.calls.filter(({name}) => name !== 'selectBackend');
  const random = new Random(8);
  const call = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done++) {
      const each = calls[random.int(calls.length)]!;
      const args = each.args();
      free(await (each.run as (...given: unknown[]) => unknown)(...args));
      args.forEach((given) => freeTensors(given, world.lasting));
    }
  };
  await call(CALLS / 5); // Caches fill, code is compiled.
  const [tensors, first] = [memory().numTensors, resident()];
  const bytes = memory().numBytes;
  await call((2 * CALLS) / 5);
  const middle = resident();
  await call((2 * CALLS) / 5);
  const last = resident();
  console.log(
    `${CALLS} calls on ${getBackend()}: tensors ${tensors} → ${memory().numTensors}, resident memory ${first.toFixed(0)} MiB after a fifth, ${middle.toFixed(0)} MiB after three, ${last.toFixed(0)} MiB at the end.`,
  );
  expect(memory().numTensors).toBe(tensors);
  expect(memory().numBytes).toBe(bytes);
  // The second half may not add what the first did: a leak of a kilobyte per call would be 4 MiB there.
  expect(last - middle).toBeLessThan(Math.max(16, 0.1 * first));
  world.dispose();
  rmSync(folder, {recursive: true});
});
