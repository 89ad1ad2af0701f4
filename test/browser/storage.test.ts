/** Saving in a browser: its database, and files that it downloads. */
import {io} from '@tensorflow/tfjs-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {commands} from 'vitest/browser';
import {AttentiveDistiller, type SaliencyMap} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';
import {setting} from '../helpers/environment.js';

const teacher = patchTeacher();
let distiller: AttentiveDistiller;
let expected: SaliencyMap[];

async function explain(by: AttentiveDistiller): Promise<SaliencyMap[]> {
  const {images} = patchBatch(1000, 2);
  const maps = await by.explain(images);
  images.dispose();
  return maps;
}

beforeAll(async () => {
  distiller = await AttentiveDistiller.create({teacher, decoder: {filters: [8, 6, 4]}, seed: 3});
  expected = await explain(distiller);
});

afterAll(() => {
  distiller.dispose();
  teacher.dispose();
});

describe('a distiller in a browser', () => {
  it('is saved to IndexedDB, and replaces an earlier save', () =>
    expectNoLeak(async () => {
      const url = 'indexeddb://storage-test';
      for (let time = 0; time < 2; time++) {
        await distiller.save(url);
        const again = await AttentiveDistiller.load(url, {teacher});
        expect(await explain(again)).toEqual(expected);
        again.dispose();
      }
      await io.removeModel(url);
      await expect(AttentiveDistiller.load(url, {teacher})).rejects.toThrow(/storage-test/);
    }));

  it('is downloaded as two files, which a server gives back', () =>
    expectNoLeak(async () => {
      const waiting = commands.downloads(2);
      await distiller.save('downloads://mine');
      const files = await waiting;
      expect(files.map(({name}) => name).sort()).toEqual(['mine.json', 'mine.weights.bin']);
      const folder = `${setting('AKD_ROOT')!}/out/downloads-${setting('AKD_BACKEND')!}`;
      for (const {name, base64} of files) await commands.writeFile(`${folder}/${name}`, base64, 'base64');
      const again = await AttentiveDistiller.load(`${location.origin}/@fs${folder}/mine.json`, {teacher});
      expect(await explain(again)).toEqual(expected);
      again.dispose();
      for (const {name} of files) await commands.removeFile(`${folder}/${name}`);
    }));

  it('is not saved to files, which a page does not have', async () => {
    await expect(distiller.save('file://mine')).rejects.toThrow(/Node/);
  });
});
