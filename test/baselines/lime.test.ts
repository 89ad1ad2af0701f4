import {
  maxPool,
  mean,
  mul,
  reshape,
  sigmoid,
  slice,
  stack,
  sub,
  sum,
  tensor2d,
  tensor3d,
  tensor4d,
  tidy,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential} from '@tensorflow/tfjs-layers';
import {describe, expect, it, vi} from 'vitest';
import {gridSegments} from '../../src/baselines/lime/superpixels/grid.js';
import {quickshift} from '../../src/baselines/lime/superpixels/quickshift.js';
import type {LabelMap} from '../../src/baselines/lime/superpixels/segments.js';
import {limeExplainer} from '../../src/baselines/lime/lime.js';
import {limeMask, limePicture} from '../../src/baselines/lime/mask.js';
import type {LimeOptions} from '../../src/baselines/lime/options.js';
import {lime, type LimeMap} from '../../src/baselines/lime/lime.js';
import {Random} from '../../src/core/random.js';
import type {DecodedImage, ScoreFn, Teacher} from '../../src/core/types.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {limeRows} from '../helpers/lime-rows.js';
import {onPatch, patchBatch, patchImage, patchTeacher} from '../helpers/patch-world.js';

const [height, width] = [12, 20];
const random = new Random(11);
const noise = (channels: number): Float32Array => Float32Array.from({length: height * width * channels}, () => random.uniform(-1, 1));
const tiles: LabelMap = gridSegments(height, width, {rows: 3, columns: 5});
const tileOf = (pixel: number): number => tiles.labels[pixel]!;

/** Scores `[s, 1 − s]` with s the mean of the pixels of one tile, all channels. */
const patchScore = (tile: number, channels: number): ScoreFn => {
  const weights = Float32Array.from({length: height * width * channels}, (_, at) => (tileOf(Math.floor(at / channels)) === tile ? 1 : 0));
  return (batch) =>
    tidy(() => {
      const total = sum<Tensor3D>(reshape(mul(batch, tensor4d(weights, [1, height, width, channels])), [batch.shape[0], -1]), 1);
      return stack([total, sub(1, total)], 1) as Tensor2D;
    });
};

/** An image that is `value` on one tile and noise of mean 0 elsewhere. */
function tileImage(tile: number, channels: number, value: number): Tensor3D {
  const values = noise(channels).map((each, at) => (tileOf(Math.floor(at / channels)) === tile ? value : each));
  return tensor3d(values, [height, width, channels]);
}

const quick: LimeOptions = {segmenter: tiles, numSamples: 200};
const plain = (maps: readonly LimeMap[]) => maps.map(({options: {batchSize: _, ...options}, ...map}) => ({...map, options}));

describe('lime', () => {
  it.each([1, 3, 5])('puts the mass on the segment that makes the score, %i channels, height other than width', async (channels) => {
    await expectNoLeak(async () => {
      const image = tileImage(7, channels, 2);
      const before = (await image.data()).slice();
      const [map] = await lime(image, patchScore(7, channels), {...quick, fill: 0, alpha: 1e-6});
      const gain = 2 * 4 * 4 * channels; // pixels of the tile times their value
      expect(map!.coefficients[0]![0]).toBe(7);
      expectClose([map!.coefficients[0]![1]], [gain], {rel: 1e-4}, 'weight of the tile');
      expectClose(
        map!.coefficients.slice(1).map(([, weight]) => weight),
        new Float32Array(14),
        {abs: 1e-3},
        'other weights',
      );
      expectClose([map!.intercept, map!.localPrediction, map!.r2], [0, gain, 1], {abs: 1e-3}, 'intercept, prediction, R²');
      expect(map).toMatchObject({height, width, target: 0, method: 'lime', seed: 0, numSamples: 200, empty: false, warnings: []});
      expect(map!.score).toBeCloseTo(gain, 3);
      expectClose(
        map!.data,
        Float32Array.from({length: height * width}, (_, pixel) => (tileOf(pixel) === 7 ? gain : 0)),
        {abs: 2e-3 * channels},
        'map',
      );
      expect(await image.data()).toEqual(before);
      image.dispose();
    });
  });

  it('finds nothing where the mean colour hides a flat segment', async () => {
    const image = tileImage(7, 3, 2);
    const [map] = await lime(image, patchScore(7, 3), quick);
    expect(map!.empty).toBe(true);
    expect([...new Set(map!.data)]).toEqual([0]);
    image.dispose();
  });

  it('explains both classes from one pass, the other side with the opposite sign', async () => {
    const image = tileImage(3, 3, 1);
    const score = vi.fn(patchScore(3, 3));
    const maps = await lime(image, score, {...quick, fill: 0, target: [1, 0], batchSize: 64});
    expect(score).toHaveBeenCalledTimes(4);
    expect(maps.map(({target}) => target)).toEqual([1, 0]);
    expectClose(
      maps[0]!.data,
      maps[1]!.data.map((value) => -value),
      {abs: 1e-4},
      'other side',
    );
    expect(Math.min(...maps[0]!.data)).toBeLessThan(-10);
    image.dispose();
  });

  it('explains both sides of a model with one sigmoid output', async () => {
    const model = sequential({layers: [layers.flatten({inputShape: [height, width, 1]}), layers.dense({units: 1, activation: 'sigmoid'})]});
    const kernel = tensor2d(
      Float32Array.from({length: height * width}, (_, pixel) => (tileOf(pixel) === 4 ? 0.2 : 0)),
      [height * width, 1],
    );
    model.layers[1]!.setWeights([kernel, model.layers[1]!.getWeights()[1]!]);
    const image = tileImage(4, 1, 1);
    const [positive] = await lime(image, model, {...quick, fill: 0, target: {kind: 'binary', positive: true}});
    const [negative] = await lime(image, model, {...quick, fill: 0, target: {kind: 'binary', positive: false}});
    const [best] = await lime(image, model, {...quick, fill: 0});
    const probability = 1 / (1 + Math.exp(-0.2 * 16));
    expectClose([positive!.score, negative!.score], [probability, 1 - probability], {abs: 1e-5}, 'scores');
    expect(positive!.coefficients[0]![0]).toBe(4);
    expect(positive!.coefficients[0]![1]).toBeGreaterThan(0.2);
    expectClose(
      negative!.data,
      positive!.data.map((value) => -value),
      {abs: 1e-5},
      'negative side',
    );
    expect(best!.target).toBe(1);
    expect(best!.data).toEqual(positive!.data);
    model.dispose();
    kernel.dispose();
    image.dispose();
  });

  it('takes nested models, teachers and graph models alike', async () => {
    const inner = patchTeacher();
    const outer = sequential({layers: [inner]});
    const {images} = patchBatch(0, 1);
    const options = {segmenter: 'grid', numSamples: 60, fill: 0} as const;
    const [direct] = await lime(images, inner, options);
    const [nested] = await lime(images, outer, options);
    const [teacher] = await lime(images, teacherFromLayersModel(inner), options);
    const [graph] = await lime(images, {predict: (batch: Tensor) => inner.predict(batch)}, options);
    expect(plain([nested!])).toEqual(plain([direct!]));
    expect(plain([teacher!])).toEqual(plain([direct!]));
    expectClose(graph!.data, direct!.data, {abs: 1e-5}, 'graph model');
    images.dispose();
    outer.dispose();
  });

  it('finds the patches of a world whose truth is known, with every segmenter', async () => {
    const model = patchTeacher();
    const {images, labels} = patchBatch(0, 3);
    const fine = (picture: DecodedImage): LabelMap => quickshift(picture, {kernelSize: 1, maxDistance: 10});
    for (const segmenter of [fine, 'slic', 'grid'] as const) {
      const maps = await lime(images, model, {segmenter, numSamples: 300, fill: 0});
      expect(maps.map(({target}) => target)).toEqual(labels);
      maps.forEach(({data, segments}, index) => {
        const best = Math.max(...data);
        const hits = [...data.keys()].filter((pixel) => data[pixel] === best);
        const patch = patchImage(index);
        expect(
          hits.some((pixel) => onPatch(patch, pixel)),
          `${String(segmenter)} ${index}`,
        ).toBe(true);
        expect(segments.numSegments).toBeGreaterThan(1);
      });
    }
    images.dispose();
    model.dispose();
  });

  it('gives the same for every batch size, alone and among others, and twice', async () => {
    const first = tileImage(1, 3, 1);
    const second = tileImage(2, 3, 1);
    const score = patchScore(2, 3);
    const options = {segmenter: 'slic', numSamples: 45, fill: 0, target: [0, 1]} as const;
    const one = await lime([first, second], score, {...options, batchSize: 1});
    const many = await lime([first, second], score, {...options, batchSize: 100});
    const odd = await lime([first, second], score, {...options, batchSize: 7});
    expect(plain(many)).toEqual(plain(one));
    expect(plain(odd)).toEqual(plain(one));
    expect(await lime([first, second], score, {...options, batchSize: 7})).toEqual(odd);
    expect(plain(await lime(second, score, options))).toEqual(plain(one).slice(2));
    const reseeded = await lime(second, score, {...options, seed: 1});
    expect(reseeded[0]!.data).not.toEqual(one[2]!.data);
    expect(reseeded[0]!.seed).toBe(1);
    first.dispose();
    second.dispose();
  });

  it('reports every batch, and frees everything when aborted in the middle', async () => {
    const image = tileImage(0, 3, 1);
    await expectNoLeak(async () => {
      const seen: number[] = [];
      await lime([image, image], patchScore(0, 3), {
        ...quick,
        numSamples: 50,
        batchSize: 30,
        onProgress: ({stage, done, total}) => seen.push(done) && expect([stage, total]).toEqual(['lime', 100]),
      });
      expect(seen).toEqual([30, 50, 80, 100]);
      const controller = new AbortController();
      const onProgress = ({done}: {done: number}): void => void (done >= 60 && controller.abort(new Error('enough')));
      const score = vi.fn(patchScore(0, 3));
      await expect(lime(image, score, {...quick, batchSize: 20, signal: controller.signal, onProgress})).rejects.toThrow('enough');
      expect(score).toHaveBeenCalledTimes(3);
      await expect(lime(image, score, {...quick, signal: AbortSignal.abort(new Error('before'))})).rejects.toThrow('before');
      expect(score).toHaveBeenCalledTimes(3);
    });
    image.dispose();
  });

  it('frees everything when the model fails', async () => {
    const image = tileImage(0, 3, 1);
    await expectNoLeak(async () => {
      const calls = vi.fn((batch: Tensor4D) =>
        calls.mock.calls.length > 2 ? Promise.reject(new Error('down')) : Promise.resolve(new Float32Array(batch.shape[0] * 2)),
      );
      await expect(lime(image, calls, {...quick, batchSize: 16})).rejects.toThrow('down');
      let width = 2;
      await expect(lime(image, (batch) => new Float32Array(batch.shape[0] * width++), {...quick, batchSize: 16})).rejects.toThrow(
        /as many scores for every batch, but gave 3/,
      );
      await expect(lime(image, patchScore(0, 3), {...quick, target: 2})).rejects.toThrow(/lime: target/);
    });
    image.dispose();
  });

  it('waits for score functions that answer later, with rows of numbers', async () => {
    const image = tileImage(6, 3, 1);
    const later: ScoreFn = async (batch) => {
      const means = (await tidy(() => mean(slice(batch, [0, 4, 4, 0], [-1, 4, 4, 1]), [1, 2, 3])).data()) as Float32Array;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return [...means].map((value) => [value, 0]);
    };
    const [map] = await lime(image, later, {...quick, fill: 0, numSamples: 100, target: 0});
    expect(map!.coefficients[0]![0]).toBe(6);
    image.dispose();
  });

  it('limits the features, and leaves the others 0', async () => {
    const image = tileImage(6, 3, 1);
    const score: ScoreFn = (batch) =>
      tidy(() => reshape(sigmoid(maxPool(batch, [height, width], 1, 'valid')), [batch.shape[0], 3]) as Tensor2D);
    for (const featureSelection of ['auto', 'highest-weights'] as const) {
      const [map] = await lime(image, score, {...quick, numFeatures: 4, featureSelection, fill: -1});
      expect(map!.coefficients).toHaveLength(4);
      expect(new Set(map!.data).size).toBeLessThanOrEqual(5);
      const sizes = map!.coefficients.map(([, weight]) => Math.abs(weight));
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    }
    image.dispose();
  });

  it('warns of too few samples, of a narrow kernel and of too few segments', async () => {
    const image = tileImage(6, 3, 1);
    const few = await lime(image, patchScore(6, 3), {...quick, numSamples: 149});
    expect(few[0]!.warnings).toEqual([expect.stringContaining('Take numSamples: 150')]);
    const narrow = await lime(image, patchScore(6, 3), {...quick, numSamples: 200, kernelWidth: 0.001});
    expect(narrow[0]!.warnings).toEqual([expect.stringContaining('200 samples count as much as 1.0 would, fewer than the 15 segments')]);
    const coarse = await lime(image, patchScore(6, 3), {...quick, numFeatures: 8});
    expect(coarse[0]!.warnings).toEqual([expect.stringMatching(/15 segments are few when 8 of them are shown/)]);
    const whole = await lime(image, patchScore(6, 3), {...quick, segmenter: gridSegments(height, width, {rows: 1, columns: 1})});
    expect(whole[0]).toMatchObject({empty: true, warnings: [expect.stringMatching(/^1 segments/)]});
    image.dispose();
  });

  it('refuses bad options, before any work', async () => {
    const image = tileImage(6, 3, 1);
    const score = vi.fn(patchScore(6, 3));
    const bad: [LimeOptions, RegExp][] = [
      [{numSamples: 1}, /lime: numSamples/],
      [{kernelWidth: 1e-9}, /lime: kernelWidth must be a finite number of at least 0.001/],
      [{alpha: -1}, /lime: alpha/],
      [{numFeatures: 0}, /lime: numFeatures/],
      [{featureSelection: 'lasso' as never}, /lime: featureSelection/],
      [{segmenter: 'felzenszwalb' as never}, /lime: segmenter must be one of/],
      [
        {segmenter: 5 as never},
        /lime: segmenter must be one of 'quickshift', 'slic', 'grid', \{labels, height, width\} or a function, but is 5/,
      ],
      [{fill: [0, 0]}, /fill must be one value or 3/],
      [{fill: Number.NaN}, /lime: fill/],
      [{batchSize: 0}, /lime: batchSize/],
      [{seed: -1}, /lime: seed/],
      [{segmenter: gridSegments(4, 4)}, /12×20 \(height×width\), but gave 4×4/],
    ];
    for (const [options, message] of bad) await expect(lime(image, score, options), message.source).rejects.toThrow(message);
    await expect(lime([], score)).rejects.toThrow(/^lime: images must hold at least one image/);
    await expect(lime({data: new Uint8Array(3), width: 1, height: 1}, score)).rejects.toThrow(/only a Teacher/);
    expect(score).not.toHaveBeenCalled();
    image.dispose();
  });
});

describe('samples', () => {
  it('start with the image, are balanced, and stay when more are drawn', () => {
    const rows = limeRows(2000, 20, 4);
    expect([...rows[0]!]).toEqual(Array(20).fill(1));
    expect(limeRows(50, 20, 4)).toEqual(rows.slice(0, 50));
    const ones = rows.slice(1).map((row) => row.reduce((total, each) => total + each, 0));
    expect(ones.reduce((total, each) => total + each, 0) / (1999 * 20)).toBeCloseTo(0.5, 2);
    // Binomial: variance 20 / 4.
    expect(ones.reduce((total, each) => total + (each - 10) ** 2, 0) / 1999).toBeCloseTo(5, 0);
    expect(new Set(rows.map((row) => row.join(''))).size).toBeGreaterThan(1990);
  });
});

describe('lime on decoded pictures', () => {
  const bytes = Uint8Array.from({length: height * width * 3}, () => random.int(256));
  const picture: DecodedImage = {data: bytes, height, width};
  const preprocessing = {scale: 1 / 255, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3]};

  /** A teacher that keeps what it is shown; logits are the means of the channels. */
  function witness(given: Teacher['preprocessing'] = preprocessing): {teacher: Teacher; seen: Promise<Float32Array>[]} {
    const seen: Promise<Float32Array>[] = [];
    const logits = (batch: Tensor4D): Tensor2D => {
      seen.push(batch.data<'float32'>());
      return mean<Tensor2D>(batch, [1, 2]);
    };
    return {teacher: {name: 'witness', inputShape: [height, width, 3], numClasses: 3, preprocessing: given, logits}, seen};
  }
  const normal = (pixel: number, channel: number): number => (pixel / 255 - preprocessing.mean[channel]!) / preprocessing.std[channel]!;

  it('hides behind the mean colour of bytes, cut to a whole number, and keeps the rest', async () => {
    const {teacher, seen} = witness();
    const segmenter = vi.fn(() => tiles);
    const [map] = await lime(picture, teacher, {segmenter, numSamples: 20, batchSize: 20});
    const [given, index] = segmenter.mock.calls[0] as unknown as [DecodedImage, number];
    expect([...given.data]).toEqual([...bytes]);
    expect(index).toBe(0);
    const rows = limeRows(20, 15);
    const size = bytes.length;
    const expected = Float32Array.from({length: 20 * size}, (_, at) => {
      const [row, inside] = [Math.floor(at / size), at % size];
      const [tile, channel] = [tileOf(Math.floor(inside / 3)), inside % 3];
      if (rows[row]![tile] === 1) return normal(bytes[inside]!, channel);
      const values = bytes.filter((_value, other) => other % 3 === channel && tileOf(Math.floor(other / 3)) === tile);
      return normal(Math.trunc(values.reduce((total, value) => total + value, 0) / values.length), channel);
    });
    expectClose(await seen[0]!, expected, {abs: 1e-5}, 'what the network saw');
    expect(map!.options).toMatchObject({segmenter: 'function', fill: 'segment-mean', numFeatures: 'all', numSamples: 20});
  });

  it('takes a given colour in the values of the image that was passed', async () => {
    const {teacher, seen} = witness();
    await lime(picture, teacher, {segmenter: tiles, numSamples: 2, fill: [255, 0, 51]});
    const row = limeRows(2, 15)[1]!;
    const hidden = [...Array(height * width).keys()].find((pixel) => row[tileOf(pixel)] === 0)!;
    const second = (await seen[0]!).subarray(bytes.length);
    expectClose(second.slice(hidden * 3, hidden * 3 + 3), [normal(255, 0), normal(0, 1), normal(51, 2)], {abs: 1e-5}, 'picture');
    const tensor = tensor3d(
      Float32Array.from(bytes, (pixel, at) => normal(pixel, at % 3)),
      [height, width, 3],
    );
    await lime(tensor, teacher, {segmenter: tiles, numSamples: 2, fill: 0.5});
    expectClose((await seen[1]!).slice(bytes.length + hidden * 3, bytes.length + hidden * 3 + 3), [0.5, 0.5, 0.5], {abs: 1e-6}, 'tensor');
    tensor.dispose();
  });

  it('segments a tensor as it segments the picture behind it', async () => {
    const {teacher} = witness();
    const tensor = tensor3d(
      Float32Array.from(bytes, (pixel, at) => normal(pixel, at % 3)),
      [height, width, 3],
    );
    const [fromPicture] = await lime(picture, teacher, {numSamples: 10});
    const [fromTensor] = await lime(tensor, teacher, {numSamples: 10});
    expect(fromTensor!.segments).toEqual(fromPicture!.segments);
    // Without a preprocessing the range of values is stretched: the same here, where it is 0–255.
    bytes.set([0, 255]);
    const raw = tensor3d(Float32Array.from(bytes), [height, width, 3]);
    const segmenter = vi.fn(() => tiles);
    await lime(raw, (batch) => new Float32Array(batch.shape[0] * 2), {segmenter, numSamples: 2});
    expectClose((segmenter.mock.calls[0] as unknown as [DecodedImage])[0].data, bytes, {abs: 1e-4}, 'stretched');
    tensor.dispose();
    raw.dispose();
  });

  it('takes pictures of another size, and segments them at the size of the network', async () => {
    const {teacher} = witness();
    const large = {data: new Uint8Array(30 * 33 * 4).fill(128), height: 30, width: 33};
    const [map] = await lime(large, teacher, {numSamples: 5, segmenter: 'grid'});
    expect(map).toMatchObject({height, width});
  });

  it('averages channels that cannot be shown', async () => {
    const values = noise(2);
    const image = tensor3d(values, [height, width, 2]);
    const segmenter = vi.fn(() => tiles);
    await lime(image, (batch) => new Float32Array(batch.shape[0] * 2), {segmenter, numSamples: 2});
    const [shown] = segmenter.mock.calls[0] as unknown as [DecodedImage];
    expect(shown.channels).toBe(1);
    expect([Math.min(...shown.data), Math.max(...shown.data)]).toEqual([0, 255]);
    image.dispose();
  });
});

describe('limeMask', () => {
  const segments = gridSegments(1, 4, {rows: 1, columns: 4});
  const map = {
    segments,
    coefficients: [
      [2, -0.5],
      [0, 0.4],
      [3, 0.1],
      [1, -0.05],
    ] as const,
  };

  it('marks the side that is asked for', () => {
    expect([...limeMask(map)]).toEqual([1, 0, 0, 1]);
    expect([...limeMask(map, {numFeatures: 1})]).toEqual([1, 0, 0, 0]);
    expect([...limeMask(map, {negativeOnly: true})]).toEqual([0, 1, 1, 0]);
    expect([...limeMask(map, {positiveOnly: false})]).toEqual([1, -1, -1, 1]);
    expect([...limeMask(map, {positiveOnly: false, numFeatures: 2, minWeight: 0.5})]).toEqual([0, 0, -1, 0]);
    expect([...limeMask(map, {negativeOnly: true, minWeight: 0.5})]).toEqual([0, 0, 0, 0]);
  });

  it('refuses both sides alone', () => {
    expect(() => limeMask(map, {positiveOnly: true, negativeOnly: true})).toThrow(/exclude each other/);
    expect(() => limeMask(map, {numFeatures: 0})).toThrow(RangeError);
  });

  it('shows the marks in a picture', () => {
    const picture = {data: Uint8Array.of(10, 20, 30, 200), height: 1, width: 4};
    expect([...limePicture(picture, map, {hideRest: true}).data]).toEqual([10, 10, 10, 0, 0, 0, 0, 0, 0, 200, 200, 200]);
    expect([...limePicture(picture, map).data]).toEqual([10, 10, 10, 20, 20, 20, 30, 30, 30, 200, 200, 200]);
    expect([...limePicture(picture, map, {positiveOnly: false}).data]).toEqual([10, 200, 10, 200, 20, 20, 200, 30, 30, 200, 200, 200]);
    expect(() => limePicture({data: new Uint8Array(2), height: 1, width: 2}, map)).toThrow(/1×4 \(height×width\), but is 1×2/);
    expect([...picture.data]).toEqual([10, 20, 30, 200]);
    const colours = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    expect([...limePicture({data: Uint8Array.from(colours), height: 1, width: 4}, map).data]).toEqual(colours);
    const withAlpha = colours.flatMap((value, index) => (index % 3 === 2 ? [value, 255] : [value]));
    const marked = limePicture({data: Uint8Array.from(withAlpha), height: 1, width: 4}, map, {positiveOnly: false});
    expect([...marked.data]).toEqual([1, 12, 3, 12, 5, 6, 12, 8, 9, 10, 12, 12]);
  });
});

describe('limeExplainer', () => {
  it('binds model and options, which a call overrides', async () => {
    const image = tileImage(6, 3, 1);
    const explainer = limeExplainer(patchScore(6, 3), {...quick, fill: 0, target: 1});
    expect(explainer.method).toBe('lime');
    const [bound] = await explainer.explain(image, {seed: undefined, target: undefined});
    const [over] = await explainer.explain(image, {target: 0, seed: 3});
    expect([bound!.target, bound!.seed, over!.target, over!.seed]).toEqual([1, 0, 0, 3]);
    expect(bound).toEqual((await lime(image, patchScore(6, 3), {...quick, fill: 0, target: 1}))[0]);
    image.dispose();
  });
});
