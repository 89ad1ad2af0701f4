/** One bit of a save that has flipped, wherever it lies, is told. */
import '../helpers/use-wasm.js';
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory} from '@tensorflow/tfjs-core';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {AttentiveDistiller, ModelFileError} from '../../src/index.js';
import {patchTeacher} from '../helpers/patch-world.js';
import {rounds} from '../helpers/environment.js';

const BITS = rounds(2000, 100);
const folder = await mkdtemp(join(tmpdir(), 'bits-'));
const teacher = patchTeacher();
const load = (): Promise<AttentiveDistiller> => AttentiveDistiller.load(`file://${folder}`, {teacher});

beforeAll(async () => {
  const distiller = await AttentiveDistiller.create({teacher, seed: 1, decoder: {filters: [4, 4, 4]}});
  await distiller.save(`file://${folder}`);
  distiller.dispose();
});
afterAll(async () => {
  teacher.dispose();
  await rm(folder, {recursive: true});
});

/** Flips bits one by one, each put back after the save was refused. */
async function flip(file: string, bits: Iterable<number>): Promise<number> {
  const whole = await readFile(join(folder, file));
  const held = memory().numTensors;
  let count = 0;
  for (const bit of bits) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
    await writeFile(join(folder, file), bytes);
    const outcome = await load().then(
      (distiller) => distiller.dispose(),
      (error: unknown) => error,
    );
    expect(outcome, `bit ${bit} of ${file}`).toBeInstanceOf(ModelFileError);
    count++;
  }
  expect(memory().numTensors).toBe(held);
  await writeFile(join(folder, file), whole);
  return count;
}

it(`${BITS} random bits of the weights`, async () => {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith('.bin')) as [string];
  const size = (await readFile(join(folder, file))).length;
  const random = new Random(2);
  const flipped = await flip(
    file,
    Array.from({length: BITS}, () => random.int(8 * size)),
  );
  console.log(`${flipped} bits of ${size} bytes of weights flipped, one by one: a ModelFileError each.`);
  (await load()).dispose();
});

it('a bit of every byte of model.json', async () => {
  const size = (await readFile(join(folder, 'model.json'))).length;
  const random = new Random(3);
  const step = rounds(1, 20);
  const flipped = await flip(
    'model.json',
    Array.from({length: Math.floor(size / step)}, (_, index) => 8 * step * index + random.int(8)),
  );
  console.log(`a bit of ${flipped} of ${size} bytes of model.json flipped, one by one: a ModelFileError each.`);
  (await load()).dispose();
});
