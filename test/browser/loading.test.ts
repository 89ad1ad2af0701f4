/** Teachers from the web, from the storage of a browser and from chosen files, in a page. */
import {loadGraphModel} from '@tensorflow/tfjs-converter';
import {io, memory, tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {gradCam, loadTeacher, ModelFileError} from '../../src/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {setting} from '../helpers/environment.js';
import {dataFolder, readBytes} from '../helpers/files.js';

const folder = `${dataFolder}/graph-models`;
const address = (name: string): string => new URL(`/raw${folder}/${name}/model.json`, location.href).href;
const input = await readBytes(`${folder}/seq_graph/input.f32`);

/** Stores a model as it is, not translated. */
async function store(name: string, url: string): Promise<void> {
  const artifacts = await io.browserHTTPRequest(address(name)).load!();
  await io.getSaveHandlers(url)[0]!.save!(artifacts);
}

async function chosenFiles(name: string): Promise<File[]> {
  const parts = ['model.json', 'group1-shard1of1.bin'];
  return Promise.all(parts.map(async (part) => new File([(await readBytes(`${folder}/${name}/${part}`))!], part)));
}

// tfjs-converter reads the sizes that a graph computes at once, which WebGPU in software does not give.
const kinds = [['the LayersModel', 'seq'], ...(setting('AKD_BACKEND') === 'webgpu' ? [] : [['the GraphModel', 'seq_graph']])] as [
  string,
  string,
][];

describe.skipIf(input === undefined).each(kinds)('%s', (_, name) => {
  let images: Tensor4D;
  let expected: Float32Array;
  const stored = [`indexeddb://${name}`, `localstorage://${name}`];

  beforeAll(async () => {
    images = tensor(new Float32Array(input!), [2, 64, 64, 3]);
    const {y} = JSON.parse(new TextDecoder().decode(await readBytes(`${folder}/seq_graph/expected.json`))) as {y: number[][]};
    expected = Float32Array.from(y, (row) => Math.max(...row));
    for (const url of stored) await store(name, url);
  });
  afterAll(async () => {
    images.dispose();
    for (const url of stored) await io.removeModel(url);
  });

  it.each<[string, () => Promise<string | File[]>]>([
    ['the web', () => Promise.resolve(address(name))],
    ['IndexedDB', () => Promise.resolve(stored[0]!)],
    ['localStorage', () => Promise.resolve(stored[1]!)],
    ['chosen files', () => chosenFiles(name)],
  ])('is loaded from %s and explained', (_, from) =>
    expectNoLeak(async () => {
      const teacher = await loadTeacher(await from(), {loadGraphModel});
      const maps = await gradCam(images, teacher);
      expectClose(
        maps.map(({score}) => score),
        expected,
        {abs: 1e-3},
      );
      teacher.dispose();
    }),
  );
});

it.skipIf(input === undefined)('a GraphModel without its loader is refused with what to do', async () => {
  const before = memory().numTensors;
  await expect(loadTeacher(address('seq_graph'))).rejects.toThrow(/pass loadGraphModel of that package as an option to loadTeacher/);
  await expect(loadTeacher('indexeddb://nothing-there')).rejects.toThrow(ModelFileError);
  expect(memory().numTensors).toBe(before);
});
