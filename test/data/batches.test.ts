import {tensor1d, zeros, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import type {DecodedImage} from '../../src/core/types.js';
import {batchesOf} from '../../src/data/batches-of.js';
import {batchLabels, iterateBatches, type TrainingBatch, type TrainingBatches} from '../../src/data/batches.js';
import {epochItems} from '../../src/data/epoch-order.js';
import {expectNoLeak} from '../helpers/expect.js';

/** Pictures of two pixels: the number of the picture, and 255 to tell the sides apart. */
const pictures = Array.from({length: 50}, (_, index): DecodedImage => ({data: Uint8Array.of(index, 255), width: 2, height: 1}));

const read = (batch: TrainingBatch): string[] => (batch.images as DecodedImage[]).map(({data}) => data.join(' '));
const epochOf = (options: Parameters<typeof batchesOf>[1], epoch: number): string[][] => [...batchesOf(pictures, options)(epoch)].map(read);
const all = async (batches: TrainingBatches, epoch = 0): Promise<TrainingBatch[]> => {
  const found = [];
  for await (const batch of iterateBatches('train', batches, epoch)) found.push(batch);
  return found;
};

describe('batchesOf', () => {
  it('gives every picture once per epoch, in batches of the size, the rest last', () => {
    const batches = epochOf({batchSize: 16, seed: 3}, 0);
    expect(batches.map(({length}) => length)).toEqual([16, 16, 16, 2]);
    expect(new Set(batches.flat()).size).toBe(50);
  });

  it('draws the same order and flips for any batch size, others for another epoch or seed', () => {
    const order = (batchSize: number, seed: number, epoch: number): string[] => epochOf({batchSize, seed, flip: true}, epoch).flat();
    expect(order(1, 5, 2)).toEqual(order(50, 5, 2));
    expect(order(7, 5, 2)).toEqual(order(1000, 5, 2));
    expect(order(7, 5, 2)).not.toEqual(order(7, 5, 3));
    expect(order(7, 5, 2)).not.toEqual(order(7, 6, 2));
  });

  it('keeps the order without shuffling', () => {
    expect(epochOf({shuffle: false}, 4).flat()).toEqual(pictures.map(({data}) => data.join(' ')));
  });

  it('mirrors about half, each picture in some epochs and not in others', () => {
    let mirrored = 0;
    const counts = new Map<number, number>();
    for (let epoch = 0; epoch < 20; epoch++) {
      for (const item of [...epochItems('test', 50, epoch, {batchSize: 16, seed: 1, shuffle: true, flip: true})].flat()) {
        if (!item.flipped) continue;
        mirrored++;
        counts.set(item.index, (counts.get(item.index) ?? 0) + 1);
      }
    }
    // 1000 fair draws: 500 ± 16; five deviations are allowed.
    expect(Math.abs(mirrored - 500)).toBeLessThan(80);
    expect(counts.size).toBe(50);
    expect(Math.max(...counts.values())).toBeLessThan(20);
    expect(
      epochOf({flip: true, seed: 1}, 0)
        .flat()
        .some((text) => text.startsWith('255 ')),
    ).toBe(true);
    expect(pictures.every(({data}, index) => data[0] === index)).toBe(true);
  });

  it('keeps each label with its picture', () => {
    const labels = pictures.map((_, index) => (index * 7) % 10);
    for (const {images, labels: found} of batchesOf(pictures, {labels, batchSize: 8, seed: 2})(1)) {
      expect([...(found as Int32Array)]).toEqual((images as DecodedImage[]).map(({data}) => (data[0]! * 7) % 10));
    }
  });

  it('refuses bad arguments at once', () => {
    expect(() => batchesOf([])).toThrow(/at least one/);
    expect(() => batchesOf(pictures, {batchSize: 0})).toThrow(/batchSize/);
    expect(() => batchesOf(pictures, {seed: -1})).toThrow(/seed/);
    expect(() => batchesOf(pictures, {labels: [1]})).toThrow(/as many as the 50 images, but are 1/);
    expect(() => batchesOf(pictures, {labels: pictures.map(() => 0.5)})).toThrow(/labels\[0\]/);
    expect(() => batchesOf([pictures[0]!, {data: new Uint8Array(5), width: 2, height: 1}])).toThrow(/^batchesOf: images\[1\]/);
  });
});

describe('iterateBatches', () => {
  const batch = {images: [pictures[0]!]};

  it('reads arrays, iterables, async iterables and functions of the epoch alike', async () => {
    const epochs: number[] = [];
    const forms: TrainingBatches[] = [
      [batch, batch],
      new Set([batch, {...batch}]),
      (async function* () {
        yield batch;
        yield batch;
      })(),
      (epoch) => {
        epochs.push(epoch);
        return [batch, batch];
      },
      async () => [batch, batch],
      async function* () {
        yield batch;
        yield batch;
      },
    ];
    for (const form of forms) expect(await all(form, 3)).toHaveLength(2);
    expect(epochs).toEqual([3]);
  });

  it('says that a generator is used up, and what to pass instead', async () => {
    const once = (function* () {
      yield batch;
    })();
    expect(await all(once, 0)).toHaveLength(1);
    await expect(all(once, 1)).rejects.toThrow(/gave no batch in epoch 1.*Pass a function that makes a new one/);
    const same = (): Generator => once;
    await expect(all(same as never, 1)).rejects.toThrow(/^train: the function given as batches gave no batch in epoch 1/);
    await expect(all([], 0)).rejects.toThrow(/nothing to train on/);
  });

  it('closes the source when the loop is left, so that it can free its tensors', async () => {
    await expectNoLeak(async () => {
      const source = async function* (): AsyncGenerator<TrainingBatch> {
        const images = zeros([1, 2, 2, 1]) as Tensor4D;
        try {
          yield {images};
          yield {images};
        } finally {
          images.dispose();
        }
      };
      for await (const {images} of iterateBatches('train', source, 0)) {
        expect((images as Tensor4D).shape).toEqual([1, 2, 2, 1]);
        break;
      }
    });
  });

  it('refuses what is no batch', async () => {
    await expect(all(5 as never)).rejects.toThrow(/^train: batches must be an array.*but it is 5/);
    await expect(all((() => undefined) as never)).rejects.toThrow(/^train: the function given as batches must return/);
    await expect(all([pictures[0]] as never)).rejects.toThrow(/^train: batch 0 must be \{images, labels\}/);
    await expect(all([batch], -1)).rejects.toThrow(/epoch/);
  });
});

describe('batchLabels', () => {
  it('reads arrays and tensors, and refuses what is no class', async () => {
    const images = [pictures[0]!, pictures[1]!];
    const tensor = tensor1d([1, 2], 'int32');
    expect(await batchLabels('train: batch 0', {images}, 2, 3)).toBeUndefined();
    expect([...(await batchLabels('train: batch 0', {images, labels: [2, 0]}, 2, 3))!]).toEqual([2, 0]);
    expect([...(await batchLabels('train: batch 0', {images, labels: tensor}, 2, 3))!]).toEqual([1, 2]);
    expect(tensor.isDisposed).toBe(false);
    await expect(batchLabels('train: batch 0', {images, labels: tensor}, 2, 2)).rejects.toThrow(
      /^train: batch 0: labels\[1\] must be a whole number from 0 to 1, but is 2/,
    );
    await expect(batchLabels('train: batch 0', {images, labels: [1]}, 2, 2)).rejects.toThrow(/as many as the 2 images/);
    tensor.dispose();
  });
});
