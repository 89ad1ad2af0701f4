import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {tidy, type Tensor} from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import {afterAll, afterEach, beforeAll, describe, expect, it, vi} from 'vitest';
import {AttentiveError} from '../../src/core/errors/attentive-error.js';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import type {DecodedImage} from '../../src/core/types.js';
import {iterateBatches, type TrainingBatch} from '../../src/data/batches.js';
import {flipImage} from '../../src/data/decoded-image.js';
import {loadLayersModelFromFiles} from '../../src/files/load-layers-model.js';
import {toNetworkInput} from '../../src/data/network-input.js';
import {decodeImage} from '../../src/node/decode-image.js';
import {imageFolder, type ImageFolder} from '../../src/node/image-folder.js';
import {expectClose} from '../helpers/expect.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'node-images-'));
});
afterAll(() => rm(root, {recursive: true}));
afterEach(() => vi.doUnmock('sharp'));

const raw = (width: number, height: number, channels: 1 | 2 | 3 | 4): {raw: {width: number; height: number; channels: 1 | 2 | 3 | 4}} => ({
  raw: {width, height, channels},
});
const six = [10, 20, 30, 240, 50, 60];

/** A TIFF of 4×4 pixels with so many channels, of 8 bits or of floating-point numbers of 32. */
function tiff(channels: number, bits: 8 | 32): Buffer {
  const size = (16 * channels * bits) / 8;
  const [data, depths] = [8, 8 + size];
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, 3, 1, 4],
    [257, 3, 1, 4],
    [258, 3, channels, depths],
    [259, 3, 1, 1],
    [262, 3, 1, 2],
    [273, 4, 1, data],
    [277, 3, 1, channels],
    [278, 3, 1, 4],
    [279, 4, 1, size],
    ...(channels > 3 ? [[338, 3, channels - 3, 0] as [number, number, number, number]] : []),
    [339, 3, channels, depths + 2 * channels],
  ];
  const directory = depths + 4 * channels;
  const file = Buffer.alloc(directory + 2 + 12 * entries.length + 4);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directory, 4);
  for (let index = 0; index < 16 * channels; index++) {
    if (bits === 32) file.writeFloatLE(0.5, data + 4 * index);
    else file.writeUInt8(index, data + index);
  }
  for (let channel = 0; channel < channels; channel++) {
    file.writeUInt16LE(bits, depths + 2 * channel);
    file.writeUInt16LE(bits === 32 ? 3 : 1, depths + 2 * channels + 2 * channel);
  }
  file.writeUInt16LE(entries.length, directory);
  entries.forEach(([tag, type, count, value], index) => {
    const at = directory + 2 + 12 * index;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  });
  return file;
}

describe('decodeImage', () => {
  it('reads known pixels from bytes, paths and URLs', async () => {
    const bytes = await sharp(Uint8Array.from(six), raw(2, 1, 3))
      .png()
      .toBuffer();
    const file = join(root, 'a b.png');
    await writeFile(file, bytes);
    for (const source of [bytes, new Uint8Array(bytes).buffer, file, `file://${file}`, pathToFileURL(file)]) {
      const image = await decodeImage(source);
      expect({...image, data: [...image.data]}).toEqual({data: six, width: 2, height: 1, channels: 3});
    }
  });

  it.each<[string, () => Promise<Buffer>, number[], number]>([
    [
      'a grey PNG',
      () =>
        sharp(Uint8Array.of(10, 200), raw(2, 1, 1))
          .toColourspace('b-w')
          .png()
          .toBuffer(),
      [10, 10, 10, 200, 200, 200],
      3,
    ],
    [
      'a PNG with alpha',
      () =>
        sharp(Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 128), raw(2, 1, 4))
          .png()
          .toBuffer(),
      [1, 2, 3, 0, 4, 5, 6, 128],
      4,
    ],
    [
      'a palette',
      () =>
        sharp(Uint8Array.from(six), raw(2, 1, 3))
          .png({palette: true})
          .toBuffer(),
      six,
      3,
    ],
    [
      '16 bits',
      () =>
        sharp(Uint16Array.of(2560, 5120, 7680, 65535, 0, 32896), raw(2, 1, 3))
          .toColourspace('rgb16')
          .png()
          .toBuffer(),
      [10, 20, 30, 255, 0, 128],
      3,
    ],
    [
      'lossless WebP',
      () =>
        sharp(Uint8Array.from(six), raw(2, 1, 3))
          .webp({lossless: true})
          .toBuffer(),
      six,
      3,
    ],
    [
      'a grey JPEG',
      () =>
        sharp(Uint8Array.of(100, 100), raw(2, 1, 1))
          .toColourspace('b-w')
          .jpeg({quality: 100})
          .toBuffer(),
      [100, 100, 100, 100, 100, 100],
      3,
    ],
  ])('reads %s', async (_, make, data, channels) => {
    const image = await decodeImage(await make(), {background: 'none'});
    expect([...image.data]).toEqual(data);
    expect(image.channels).toBe(channels);
  });

  it('lays what is transparent on white, or on another colour', async () => {
    const bytes = await sharp(Uint8Array.of(1, 2, 3, 0, 40, 60, 80, 255), raw(2, 1, 4))
      .png()
      .toBuffer();
    expect([...(await decodeImage(bytes)).data]).toEqual([255, 255, 255, 40, 60, 80]);
    expect([...(await decodeImage(bytes, {size: [1, 2]})).data]).toEqual([255, 255, 255, 40, 60, 80]);
    expect([...(await decodeImage(bytes, {background: [9, 8, 7]})).data]).toEqual([9, 8, 7, 40, 60, 80]);
    expect((await decodeImage(bytes, {background: 'none'})).channels).toBe(4);
  });

  it.each<[string, () => Promise<Buffer>, RegExp]>([
    ['five channels', () => Promise.resolve(tiff(5, 8)), /it has 5 channels/],
    ['floating-point values', () => Promise.resolve(tiff(3, 32)), /floating-point numbers/],
    [
      'a drawing',
      () => Promise.resolve(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>')),
      /a drawing \(SVG\)/,
    ],
    [
      'more pixels than are allowed',
      () =>
        sharp({create: {width: 11_000, height: 10_000, channels: 3, background: 'red'}})
          .png()
          .toBuffer(),
      /11000×10000 pixels, more than maxPixels \(100000000\); raise that option/,
    ],
  ])('refuses %s, scaled or not', {timeout: 60_000}, async (_, make, message) => {
    const bytes = await make();
    for (const options of [{}, {size: [4, 4]}] as const) await expect(decodeImage(bytes, options)).rejects.toThrow(message);
  });

  it('turns the picture upright by its EXIF orientation, before it is scaled', async () => {
    // Stored left to right; 8 says that the right side is the top.
    const bytes = await sharp(Uint8Array.from(six), raw(2, 1, 3))
      .withMetadata({orientation: 8})
      .png()
      .toBuffer();
    const image = await decodeImage(bytes);
    expect([image.height, image.width]).toEqual([2, 1]);
    expect([...image.data]).toEqual([240, 50, 60, 10, 20, 30]);
    expect([...(await decodeImage(bytes, {size: [2, 1]})).data]).toEqual([240, 50, 60, 10, 20, 30]);
  });

  it('scales as toNetworkInput does, squashed or cropped, with and without alpha', async () => {
    const [width, height] = [60, 40];
    const pixel = (index: number): number[] => [
      (index % width) * 4,
      Math.floor(index / width) * 6,
      ((index * 37) % 11) * 20,
      (index % 2) * 255,
    ];
    const rgba = Uint8Array.from(Array.from({length: width * height}, (_, index) => pixel(index)).flat());
    const bytes = await sharp(rgba, raw(width, height, 4))
      .png()
      .toBuffer();
    const opaque = await sharp(rgba, raw(width, height, 4))
      .removeAlpha()
      .png()
      .toBuffer();
    for (const fit of ['squash', 'crop'] as const) {
      const ours = toNetworkInput({data: rgba, width, height}, {inputShape: [20, 20, 3], preprocessing: {scale: 1, mean: 0, std: 1, fit}});
      for (const source of [bytes, opaque]) {
        const image = await decodeImage(source, {size: [20, 20], fit, background: 'none'});
        expect([image.height, image.width, image.channels]).toEqual([20, 20, 3]);
        // At the border sharp repeats the last pixel, where ours cuts the kernel: left out here.
        const inner = (values: ArrayLike<number>): number[] =>
          Array.from(values).filter((_, index) => [index / 60, (index / 3) % 20].every((at) => at >= 1 && at < 19));
        expectClose(inner(image.data), inner(ours.dataSync()), {abs: 1.5}, fit);
      }
      ours.dispose();
    }
  });

  it('names the file that cannot be read', async () => {
    await writeFile(join(root, 'text.jpg'), 'no picture');
    const whole = await sharp({create: {width: 64, height: 64, channels: 3, background: 'red'}})
      .jpeg()
      .toBuffer();
    await writeFile(join(root, 'half.jpg'), whole.subarray(0, whole.length - 40));
    for (const name of ['text.jpg', 'half.jpg', 'missing.jpg']) {
      const failure = decodeImage(join(root, name));
      await expect(failure, name).rejects.toThrow(ModelFileError);
      await expect(failure).rejects.toThrow(name);
    }
    await expect(decodeImage(new Uint8Array(3))).rejects.toThrow(/picture of 3 bytes cannot be decoded/);
    await expect(decodeImage(whole, {size: [0, 1]})).rejects.toThrow(/size\[0\]/);
    await expect(decodeImage(whole, {fit: 'cover' as never})).rejects.toThrow(/fit must be one of/);
  });

  it('says how to get sharp', async () => {
    vi.doMock('sharp', () => {
      throw new Error('Cannot find package');
    });
    await expect(decodeImage(new Uint8Array(3))).rejects.toThrow(AttentiveError);
    await expect(decodeImage(new Uint8Array(3))).rejects.toThrow(/npm install sharp/);
  });
});

const flat = async (batches: ImageFolder, epoch: number): Promise<TrainingBatch[]> => {
  const found = [];
  for await (const batch of iterateBatches('train', batches, epoch)) found.push(batch);
  return found;
};
/** Every picture is two pixels wide: its number, then 255. */
const read = (batches: TrainingBatch[]): string[] =>
  batches.flatMap(({images}) => (images as DecodedImage[]).map(({data}) => `${data[0]} ${data[3]}`));

describe('classes by folder', () => {
  it('are the folders that exist, whether or not their pictures can be read; what cannot be is reported', async () => {
    const folder = join(root, 'classes');
    for (const name of ['ant', 'bee', 'cat']) await mkdir(join(folder, name), {recursive: true});
    const picture = await sharp(Uint8Array.from(six), raw(2, 1, 3))
      .png()
      .toBuffer();
    for (const name of ['ant', 'cat']) await writeFile(join(folder, name, '1.png'), picture);
    await writeFile(join(folder, 'bee', '1.bmp'), 'BM');
    await symlink(join(folder, 'nowhere.png'), join(folder, 'cat', '2.png'));
    const skipped: string[] = [];
    const onSkip = (file: string): void => void skipped.push(file);
    const photos = await imageFolder(folder, {labels: 'folders', shuffle: false, batchSize: 8, onUnreadable: 'skip', onSkip});
    expect(photos.classNames).toEqual(['ant', 'bee', 'cat']);
    const {value: batch} = await photos(0).next();
    expect([...(batch as unknown as {labels: Int32Array}).labels]).toEqual([0, 2]);
    expect(skipped).toEqual(['bee/1.bmp', 'cat/2.png']);
    const strict = await imageFolder(folder, {labels: 'folders', shuffle: false});
    await expect(strict(0).next()).rejects.toThrow(/1\.bmp|2\.png/);
    await expect(imageFolder(folder, {labels: () => 2 ** 31})).rejects.toThrow(/must be a whole number from 0 to 2147483647/);
  });
});

describe("the fit 'inside'", () => {
  it('keeps the aspect and the whole picture, and never enlarges', async () => {
    const file = join(root, 'wide.png');
    await sharp(Buffer.alloc(40 * 20 * 3, 90), raw(40, 20, 3))
      .png()
      .toFile(file);
    const sizeOf = async (size: [number, number]): Promise<number[]> => {
      const {height, width} = await decodeImage(file, {size, fit: 'inside'});
      return [height, width];
    };
    expect(await sizeOf([10, 10])).toEqual([5, 10]);
    expect(await sizeOf([100, 100])).toEqual([20, 40]);
  });
});

describe('imageFolder', () => {
  let folder: string;
  const names = ['b/x.PNG', 'a/deep/z.png', 'a/1.png', 'b/w.png', 'b/v.png', 'c/u.png', 'a/10.png', 'a/2.png'];
  const sorted = ['a/1.png', 'a/10.png', 'a/2.png', 'a/deep/z.png', 'b/v.png', 'b/w.png', 'b/x.PNG', 'c/u.png'];

  beforeAll(async () => {
    folder = join(root, 'folder');
    for (const name of names) {
      await mkdir(join(folder, name, '..'), {recursive: true});
      const number = sorted.indexOf(name);
      await writeFile(
        join(folder, name),
        await sharp(Uint8Array.of(number, 0, 0, 255, 0, 0), raw(2, 1, 3))
          .png()
          .toBuffer(),
      );
    }
    await writeFile(join(folder, 'a/notes.txt'), 'no picture');
    await writeFile(join(folder, 'a/._1.png'), 'what a Mac leaves behind');
  });

  it('lists pictures of all folders, sorted, and reads them in that order', async () => {
    const photos = await imageFolder(folder, {shuffle: false, batchSize: 3});
    expect(photos.files).toEqual(sorted);
    expect(photos.length).toBe(8);
    const batches = await flat(photos, 0);
    expect(batches.map(({images}) => (images as DecodedImage[]).length)).toEqual([3, 3, 2]);
    expect(read(batches)).toEqual(sorted.map((_, index) => `${index} 255`));
    expect(batches[0]).not.toHaveProperty('labels');
    expect(read(await flat(photos, 1))).toEqual(read(batches));
  });

  it('draws the same order and flips for any batch size, others for another epoch', async () => {
    const order = async (batchSize: number, epoch: number): Promise<string[]> =>
      read(await flat(await imageFolder(folder, {batchSize, seed: 4, flip: true}), epoch));
    const first = await order(3, 0);
    expect(await order(8, 0)).toEqual(first);
    expect(await order(3, 1)).not.toEqual(first);
    expect(first.some((pixels) => pixels.startsWith('255 '))).toBe(true);
    expect(new Set(first.map((pixels) => pixels.replace('255', '').trim())).size).toBe(8);
  });

  it('takes labels from the folders, an index or a function, with their pictures', async () => {
    const photos = await imageFolder(folder, {labels: 'folders', seed: 9, batchSize: 3});
    expect(photos.classNames).toEqual(['a', 'b', 'c']);
    expect([...photos.labels!]).toEqual([0, 0, 0, 0, 1, 1, 1, 2]);
    for (const {images, labels} of await flat(photos, 2)) {
      expect([...(labels as Int32Array)]).toEqual((images as DecodedImage[]).map(({data}) => [0, 0, 0, 0, 1, 1, 1, 2][data[0]!]));
    }
    expect([...(await imageFolder(folder, {labels: (file) => file.length})).labels!]).toEqual(sorted.map(({length}) => length));
    await expect(imageFolder(folder, {labels: () => -1})).rejects.toThrow(/labels\("a\/1.png"\)/);
    await expect(imageFolder(folder, {labels: 'index'})).rejects.toThrow(/index\.json cannot be read/);
    await writeFile(join(folder, 'index.json'), JSON.stringify(sorted.map((file, label) => ({file, label: 7 - label}))));
    expect([...(await imageFolder(folder, {labels: 'index'})).labels!]).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    await writeFile(join(folder, 'index.json'), JSON.stringify([{file: 'a/1.png', label: 1}]));
    await expect(imageFolder(folder, {labels: 'index'})).rejects.toThrow(/no entry for "a\/10.png"/);
    await expect(imageFolder(join(folder, 'a'), {labels: 'folders'})).rejects.toThrow(/1.png in .* lies in no class folder/);
  });

  it('draws a limited choice by the seed, or takes the first', async () => {
    expect((await imageFolder(folder, {limit: 2, shuffle: false})).files).toEqual(sorted.slice(0, 2));
    const choice = async (seed: number): Promise<readonly string[]> => (await imageFolder(folder, {limit: 4, seed})).files;
    expect(await choice(1)).toEqual(await choice(1));
    expect([...(await choice(1))].sort()).toEqual(await choice(1));
    expect((await Promise.all([1, 2, 3, 4].map(choice))).some((files) => files.join() !== sorted.slice(0, 4).join())).toBe(true);
    const limited = await imageFolder(folder, {limit: 4, seed: 2, labels: 'folders'});
    expect([...limited.labels!]).toEqual(limited.files.map((file) => ['a', 'b', 'c'].indexOf(file[0]!)));
    expect((await imageFolder(folder, {limit: 100})).length).toBe(8);
  });

  it('scales while decoding', async () => {
    const [batch] = await flat(await imageFolder(folder, {size: [3, 5]}), 0);
    expect((batch!.images as DecodedImage[]).every(({width, height}) => width === 5 && height === 3)).toBe(true);
  });

  it('stops at a damaged picture, or leaves it out and says so once', async () => {
    const damaged = join(root, 'damaged');
    await mkdir(damaged);
    for (const index of [0, 1, 2, 3]) await writeFile(join(damaged, `${index}.png`), await readFile(join(folder, sorted[index]!)));
    await writeFile(join(damaged, '1.png'), 'broken');
    await writeFile(join(damaged, '3.png'), '');
    await expect(flat(await imageFolder(damaged), 0)).rejects.toThrow(/1\.png|3\.png/);
    const skipped: string[] = [];
    const photos = await imageFolder(damaged, {
      onUnreadable: 'skip',
      shuffle: false,
      batchSize: 1,
      labels: (file) => Number(file[0]),
      onSkip: (file) => skipped.push(file),
    });
    for (const epoch of [0, 1]) {
      const batches = await flat(photos, epoch);
      expect(read(batches)).toEqual(['0 255', '2 255']);
      expect(batches.map(({labels}) => [...(labels as Int32Array)])).toEqual([[0], [2]]);
    }
    expect(skipped.sort()).toEqual(['1.png', '3.png']);
    await Promise.all(['0.png', '2.png'].map((name) => writeFile(join(damaged, name), 'broken')));
    await expect(flat(await imageFolder(damaged, {onUnreadable: 'skip'}), 0)).rejects.toThrow(/none of the 4 pictures/);
    await expect(imageFolder(damaged, {onUnreadable: 'ignore' as never})).rejects.toThrow(/onUnreadable/);
  });

  it('decodes the next batch while one is in use', async () => {
    const late = join(root, 'late');
    await mkdir(late);
    for (const index of [0, 1]) await writeFile(join(late, `${index}.png`), await readFile(join(folder, sorted[index]!)));
    const batches = (await imageFolder(late, {batchSize: 1, shuffle: false}))(0);
    await batches.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await rm(join(late, '1.png'));
    expect(read([(await batches.next()).value as TrainingBatch])).toEqual(['1 255']);
  });

  it('mirrors as flipImage does, also what is scaled, cut or turned upright', async () => {
    const turned = join(root, 'turned');
    await mkdir(turned);
    const pixels = Uint8Array.from({length: 12 * 8 * 3}, (_, index) => (index * 53) % 251);
    const bytes = sharp(pixels, raw(12, 8, 3));
    await writeFile(join(turned, 'a.png'), await bytes.clone().png().toBuffer());
    await writeFile(join(turned, 'b.png'), await bytes.clone().withMetadata({orientation: 6}).png().toBuffer());
    for (const options of [{}, {size: [5, 7]}, {size: [4, 4], fit: 'crop'}, {leastCrop: 0.3}, {size: [6, 6], leastCrop: 0.3}] as const) {
      const read = async (flip: boolean, epoch: number): Promise<DecodedImage[]> =>
        (await flat(await imageFolder(turned, {...options, flip, shuffle: false, seed: 2}), epoch)).flatMap(
          ({images}) => images as DecodedImage[],
        );
      let mirrored = 0;
      for (let epoch = 0; epoch < 6; epoch++) {
        const [plain, drawn] = [await read(false, epoch), await read(true, epoch)];
        plain.forEach((image, index) => {
          const isMirrored = !Buffer.from(image.data as Uint8Array).equals(drawn[index]!.data as Uint8Array);
          if (isMirrored) mirrored++;
          expect(drawn[index]).toEqual(isMirrored ? flipImage(image) : image);
        });
      }
      expect(mirrored).toBeGreaterThan(1);
      expect(mirrored).toBeLessThan(11);
    }
  });

  it('cuts rectangles of the picture by seed and epoch, never by batch, and each at the size that was drawn', async () => {
    // The pixel says where it lies: red its column, green its row.
    const placed = join(root, 'placed');
    await mkdir(placed);
    const [width, height] = [90, 60];
    const pixels = Uint8Array.from({length: width * height * 3}, (_, index) =>
      index % 3 === 0 ? Math.floor(index / 3) % width : index % 3 === 1 ? Math.floor(index / 3 / width) : 7,
    );
    const orientations = [1, 3, 6, 8];
    for (const orientation of orientations) {
      const bytes = sharp(pixels, raw(width, height, 3))
        .withMetadata({orientation})
        .png();
      await writeFile(join(placed, `${orientation}.png`), await bytes.toBuffer());
    }
    const read = async (batchSize: number, seed: number, epoch: number): Promise<DecodedImage[]> =>
      (await flat(await imageFolder(placed, {leastCrop: 0.25, maxStretch: 1, batchSize, seed, shuffle: false}), epoch)).flatMap(
        ({images}) => images as DecodedImage[],
      );
    const shares: number[] = [];
    for (let epoch = 0; epoch < 10; epoch++) {
      const cut = await read(3, 8, epoch);
      expect(await read(1, 8, epoch)).toEqual(cut);
      cut.forEach((image, index) => {
        const whole = [1, 3].includes(orientations[index]!) ? [width, height] : [height, width];
        shares.push((image.width * image.height) / (width * height));
        // The aspect is the picture's own, within rounding.
        expect(Math.abs(image.width / whole[0]! - image.height / whole[1]!)).toBeLessThan(0.03);
        // Neighbours in the picture are neighbours in the part.
        const at = (x: number, y: number): number[] => [...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 2)];
        const [corner, across, down] = [at(0, 0), at(image.width - 1, 0), at(0, image.height - 1)];
        const apart = (a: number[], b: number[]): number => Math.abs(a[0]! - b[0]!) + Math.abs(a[1]! - b[1]!);
        expect([apart(corner, across), apart(corner, down)]).toEqual([image.width - 1, image.height - 1]);
      });
    }
    expect(Math.min(...shares)).toBeGreaterThan(0.23);
    expect(Math.max(...shares)).toBeGreaterThan(0.8);
    // Uniform in 0.25–1: the mean of 40 draws is .625 ± .034.
    expect(Math.abs(shares.reduce((sum, share) => sum + share / shares.length, 0) - 0.625)).toBeLessThan(0.13);
    expect(await read(3, 8, 0)).not.toEqual(await read(3, 9, 0));
    expect(await read(3, 8, 0)).not.toEqual(await read(3, 8, 1));
  });

  it('decodes as many batches ahead as prefetch says', async () => {
    for (const prefetch of [0, 1, 3]) {
      const ahead = join(root, `ahead-${prefetch}`);
      await mkdir(ahead);
      for (const index of [0, 1, 2, 3, 4, 5]) await writeFile(join(ahead, `${index}.png`), await readFile(join(folder, sorted[index]!)));
      const batches = (await imageFolder(ahead, {batchSize: 1, shuffle: false, prefetch}))(0);
      await batches.next();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await Promise.all([1, 2, 3, 4, 5].map((index) => rm(join(ahead, `${index}.png`))));
      const found: number[] = [];
      try {
        for await (const {images} of batches) found.push((images as DecodedImage[])[0]!.data[0]!);
      } catch (error) {
        expect((error as Error).message).toContain(`${prefetch + 1}.png cannot be decoded`);
      }
      expect(found).toEqual([1, 2, 3].slice(0, prefetch));
    }
  });

  it('stops with the signal and leaves no rejection unhandled', async () => {
    const stop = new AbortController();
    const batches = (await imageFolder(folder, {batchSize: 1, signal: stop.signal}))(0);
    await batches.next();
    stop.abort(new Error('enough'));
    await expect(batches.next()).rejects.toThrow('enough');
    await expect(flat(await imageFolder(folder, {signal: stop.signal}), 0)).rejects.toThrow('enough');
  });

  it('follows links to files, not to folders, and says when there is nothing', async () => {
    const linked = join(root, 'linked');
    await mkdir(linked);
    await expect(imageFolder(linked)).rejects.toThrow(/holds no picture/);
    await symlink(join(folder, 'a/1.png'), join(linked, 'link.png'));
    await symlink(folder, join(linked, 'loop'));
    expect((await imageFolder(linked)).files).toEqual(['link.png']);
    await expect(imageFolder(join(root, 'nowhere'))).rejects.toThrow(/nowhere cannot be read/);
    await expect(imageFolder(folder, {batchSize: 0})).rejects.toThrow(/batchSize/);
    await expect(imageFolder(folder, {limit: 0})).rejects.toThrow(/limit/);
  });
});

const data = process.env['AKD_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
const has = existsSync(join(data, 'images'));

describe.skipIf(!has)(`the pictures in AKD_DATA${has ? '' : ' (skipped: the folder is absent, so nothing real is classified)'}`, () => {
  it('are classified by a real network: a goldfish, and most of a sample', async () => {
    const model = await loadLayersModelFromFiles(join(data, 'models/mobilenet_v1_025_128'));
    const classify = (images: DecodedImage | readonly DecodedImage[]): number[] => {
      const {scores, classes} = tidy(() => {
        const output = model.predict(toNetworkInput(images, {inputShape: [128, 128, 3], preprocessing: 'tf'})) as Tensor;
        return {scores: output.dataSync<'float32'>(), classes: output.shape[1]!};
      });
      return Array.from({length: scores.length / classes}, (_, row) => {
        const line = scores.subarray(row * classes, (row + 1) * classes);
        expectClose([line.reduce((sum, score) => sum + score, 0)], [1], {abs: 1e-4}, 'sum of probabilities');
        return line.indexOf(Math.max(...line));
      });
    };
    // Class 0 is the background, so the goldfish, ImageNet's 1, is 2.
    expect(classify(await decodeImage(join(data, 'images/imagenet-sample/n01443537_goldfish.jpg')))).toEqual([2]);
    const sample = await imageFolder(join(data, 'images/ilsvrc-val'), {labels: 'index', limit: 16, seed: 1, batchSize: 16});
    const [batch] = await flat(sample, 0);
    const found = classify(batch!.images as DecodedImage[]);
    const right = found.filter((label, index) => label === (batch!.labels as Int32Array)[index]! + 1).length;
    // About half of the set are right; 16 draws fall below 3 in one case of 500.
    expect(right).toBeGreaterThanOrEqual(3);
    model.dispose();
  });
});

describe('the option files', () => {
  it('takes these pictures alone, in this order', async () => {
    const folder = join(root, 'some');
    await mkdir(join(folder, 'x'), {recursive: true});
    for (const [name, grey] of [
      ['a.png', 10],
      ['x/b.png', 20],
      ['c.png', 30],
    ] as const)
      await sharp(Buffer.alloc(12, grey), raw(2, 2, 3))
        .png()
        .toFile(join(folder, name));
    const photos = await imageFolder(folder, {files: ['c.png', 'x/b.png'], shuffle: false, batchSize: 2});
    expect(photos.files).toEqual(['c.png', 'x/b.png']);
    const {value} = await photos(0).next();
    expect((value as {images: DecodedImage[]}).images.map(({data}) => data[0])).toEqual([30, 20]);
    await expect(imageFolder(folder, {files: []})).rejects.toThrow(/files must be a list of at least 1/);
  });
});
