/** The counts of the paper's table 1, asked of trees of empty files: enough to be counted. */
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {cub200, fgvcAircraft, imageNet} from '../../src/node/index.js';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'published-'));
});
afterAll(() => rm(scratch, {recursive: true}));

describe('the published counts', () => {
  async function touch(folder: string, files: readonly string[]): Promise<void> {
    for (const directory of new Set(files.map((file) => join(folder, file, '..')))) await mkdir(directory, {recursive: true});
    for (let first = 0; first < files.length; first += 500) {
      await Promise.all(files.slice(first, first + 500).map((file) => writeFile(join(folder, file), '')));
    }
  }

  it('of CUB-200-2011 are 200 classes, 5,994 and 5,794 pictures', {timeout: 120_000}, async () => {
    const folder = join(scratch, 'whole-cub');
    const names = Array.from({length: 11_788}, (_, index) => `${String((index % 200) + 1).padStart(3, '0')}.Bird/${index}.jpg`);
    await touch(join(folder, 'images'), names);
    const lines = (of: (index: number) => string): string => names.map((_, index) => `${index + 1} ${of(index)}\n`).join('');
    await writeFile(
      join(folder, 'images.txt'),
      lines((index) => names[index]!),
    );
    await writeFile(
      join(folder, 'image_class_labels.txt'),
      lines((index) => String((index % 200) + 1)),
    );
    await writeFile(
      join(folder, 'bounding_boxes.txt'),
      lines(() => '1 1 2 2'),
    );
    await writeFile(join(folder, 'classes.txt'), Array.from({length: 200}, (_, index) => `${index + 1} bird ${index}\n`).join(''));
    await writeFile(
      join(folder, 'train_test_split.txt'),
      lines((index) => (index < 5994 ? '1' : '0')),
    );
    expect((await cub200(folder, {split: 'train'})).length).toBe(5994);
    expect((await cub200(folder, {split: 'test'})).length).toBe(5794);
    await writeFile(
      join(folder, 'train_test_split.txt'),
      lines((index) => (index < 5993 ? '1' : '0')),
    );
    expect((await cub200(folder, {split: 'test', complete: false})).length).toBe(5795);
    await expect(cub200(folder, {split: 'test'})).rejects.toThrow(/5795 pictures where 5794 were published/);
  });

  it('of ImageNet are 50,000 to validate, 48,238 without the 1,762 of the list', {timeout: 240_000}, async () => {
    const folder = join(scratch, 'whole-imagenet');
    const wnid = (label: number): string => `n${String(10_000_000 + label)}`;
    const name = (number: number): string => `ILSVRC2012_val_${String(number).padStart(8, '0')}.JPEG`;
    await touch(
      folder,
      Array.from({length: 50_000}, (_, index) => `val/${wnid(index % 1000)}/${name(index + 1)}`),
    );
    const leftOut = Array.from({length: 1762}, (_, index) => 3 * index + 1);
    const whole = await imageNet(folder, {split: 'val'});
    expect([whole.length, whole.classNames.length, whole.wnids[999]]).toEqual([50_000, 1000, 'n10000999']);
    expect([...whole.labels.subarray(998, 1002)]).toEqual([998, 999, 0, 1]);
    const kept = await imageNet(folder, {split: 'val', leftOut});
    expect(kept.length).toBe(48_238);
    expect(kept.files[0]).toBe(`val/${wnid(1)}/${name(2)}`);
    await expect(imageNet(folder, {split: 'val', leftOut: leftOut.slice(1)})).rejects.toThrow(/1761 numbers instead of 1762/);
    await rm(join(folder, `val/${wnid(0)}/${name(1)}`));
    await expect(imageNet(folder, {split: 'val'})).rejects.toThrow(/49999 pictures where 50000 were published/);
    await rm(join(folder, `val/${wnid(999)}`), {recursive: true});
    await expect(imageNet(folder, {split: 'val'})).rejects.toThrow(/999 folders of classes instead of 1000/);
  });

  it.each([
    ['variant', 100],
    ['family', 70],
    ['manufacturer', 30],
  ] as const)('of FGVC-Aircraft are 3,334, 3,333 and 3,333 pictures, of each %s', {timeout: 120_000}, async (level, classes) => {
    const data = join(scratch, `whole-${level}/data`);
    const ids = Array.from({length: 10_000}, (_, index) => String(index).padStart(7, '0'));
    await touch(
      join(data, 'images'),
      ids.map((id) => `${id}.jpg`),
    );
    const lists = {variant: 'variants', family: 'families', manufacturer: 'manufacturers'};
    await writeFile(join(data, `${lists[level]}.txt`), Array.from({length: classes}, (_, index) => `A ${index}/B\n`).join(''));
    await writeFile(join(data, 'images_box.txt'), ids.map((id) => `${id} 1 1 2 2\n`).join(''));
    const splits = {train: [0, 3334], val: [3334, 6667], trainval: [0, 6667], test: [6667, 10_000]} as const;
    for (const [split, [first, last]] of Object.entries(splits)) {
      const lines = ids.slice(first, last).map((id, index) => `${id} A ${index % classes}/B\n`);
      await writeFile(join(data, `images_${level}_${split}.txt`), lines.join(''));
      const set = await fgvcAircraft(data, {split: split as keyof typeof splits, level});
      expect([set.length, set.classNames.length]).toEqual([last - first, classes]);
    }
    await writeFile(join(data, `${lists[level]}.txt`), Array.from({length: classes + 2}, (_, index) => `A ${index}/B\n`).join(''));
    await expect(fgvcAircraft(data, {split: 'test', level})).rejects.toThrow(`${classes + 2} classes where ${classes} were published`);
  });
});
