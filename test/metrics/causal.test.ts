import {
  cast,
  div,
  fill,
  max,
  mean,
  notEqual,
  randomUniform,
  reshape,
  slice,
  softmax,
  stack,
  sum,
  tensor2d,
  tensor3d,
  tensor4d,
  tidy,
  zeros,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import type {Progress, ScoreFn} from '../../src/core/types.js';
import {deletionScore} from '../../src/metrics/of-model/deletion-score.js';
import {insertionScore} from '../../src/metrics/of-model/insertion-score.js';
import type {CausalScore} from '../../src/metrics/of-model/causal-curve.js';
import type {MapInput} from '../../src/metrics/read-map.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const both = [
  ['insertion', insertionScore],
  ['deletion', deletionScore],
] as const;
const sumModel: ScoreFn = (batch) => tidy(() => asColumn(sum(batch, [1, 2, 3])));
const pixels = (values: number[], height: number): Tensor3D => tensor3d(values, [height, values.length / height, 1]);

function asColumn(values: Tensor): Tensor2D {
  return reshape(values, [-1, 1]);
}

/** A small classifier of 9×5 images in three channels. */
function classifier(seed = 1): LayersModel {
  const model = sequential({
    layers: [
      layers.conv2d({filters: 4, kernelSize: 3, activation: 'tanh', inputShape: [9, 5, 3], name: `conv_${seed}`}),
      layers.flatten({name: `flat_${seed}`}),
      layers.dense({units: 4, activation: 'softmax', name: `dense_${seed}`}),
    ],
  });
  model.setWeights(model.getWeights().map((weight, index) => randomUniform(weight.shape, -0.6, 0.6, 'float32', seed + index)));
  return model;
}

const photo = (seed = 3): Tensor3D => randomUniform([9, 5, 3], -1, 1, 'float32', seed) as Tensor3D;
const saliency = (seed = 4): Tensor2D => randomUniform([9, 5], 0, 1, 'float32', seed) as Tensor2D;

describe('insertion and deletion', () => {
  it('give the sums of a model that sums: four pixels in two steps', async () => {
    const x = pixels([0.4, 0.3, 0.2, 0.1], 2);
    const map = [
      [0.4, 0.3],
      [0.2, 0.1],
    ];
    const deletion = await deletionScore(x, map, sumModel, {stepSize: 2});
    expectClose(deletion.curve, [1, 0.3, 0], {abs: 1e-6});
    expectClose([deletion.auc], [0.4], {abs: 1e-6});
    const insertion = await insertionScore(x, map, sumModel, {stepSize: 2, fill: 'zeros'});
    expectClose(insertion.curve, [0, 0.7, 1], {abs: 1e-6});
    expectClose([insertion.auc], [0.6], {abs: 1e-6});
  });

  it('differ between the AUC rules when the last step is short: five pixels in steps of two', async () => {
    const x = pixels([0.3, 0.25, 0.2, 0.15, 0.1], 1);
    const map = [[5, 4, 3, 2, 1]];
    const run = async (score: typeof insertionScore, auc: 'official' | 'true-fraction'): Promise<CausalScore> =>
      score(x, map, sumModel, {stepSize: 2, fill: 'zeros', auc});
    const deletion = await run(deletionScore, 'official');
    expectClose(deletion.curve, [1, 0.45, 0.1, 0], {abs: 1e-6});
    expect(deletion.fractions).toEqual([0, 0.4, 0.8, 1]);
    expectClose([deletion.auc, (await run(deletionScore, 'true-fraction')).auc], [0.35, 0.41], {abs: 1e-6});
    expectClose([(await run(insertionScore, 'official')).auc, (await run(insertionScore, 'true-fraction')).auc], [0.65, 0.59], {abs: 1e-6});
  });

  it('reach 0 and 1 for models that notice a single pixel', async () => {
    const x = fill([8, 6, 3], 0.5) as Tensor3D;
    const map = {data: Float32Array.from({length: 48}, (_, index) => (index * 7) % 48), height: 8, width: 6};
    const intact: ScoreFn = async (batch) => [...(await tidy(() => mean(batch, [1, 2, 3])).data())].map((value) => [value === 0.5 ? 1 : 0]);
    const anyShown: ScoreFn = (batch) => tidy(() => asColumn(max(cast(notEqual(batch, 0), 'float32'), [1, 2, 3])));
    const deletion = await deletionScore(x, map, intact, {stepSize: 1});
    expect(deletion.auc).toBeLessThan(0.02);
    const insertion = await insertionScore(x, map, anyShown, {stepSize: 1, fill: 'zeros'});
    expect(insertion.auc).toBeGreaterThan(0.98);
  });

  it.each(both)('%s changes all channels of a pixel together, in the order of the map', async (_, score) => {
    const x = tensor3d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 2, 3]);
    const fill = tensor3d(
      Array.from({length: 12}, (__, index) => -index - 1),
      [2, 2, 3],
    );
    const seen: number[][] = [];
    const spy: ScoreFn = async (batch) => {
      const pixels = await batch.data();
      seen.push(...Array.from({length: batch.shape[0]}, (__, row) => [...pixels.slice(row * x.size, (row + 1) * x.size)]));
      return Array.from({length: batch.shape[0]}, () => [1]);
    };
    const {kind} = await score(
      x,
      [
        [0, 3],
        [2, 1],
      ],
      spy,
      {stepSize: 1, fill, target: 0},
    );
    const order = [1, 2, 3, 0];
    const sign = kind === 'deletion' ? 1 : -1;
    const expected = [0, 1, 2, 3, 4].map((count) =>
      Array.from({length: 12}, (__, at) => (at + 1) * (order.indexOf(Math.floor(at / 3)) < count ? -sign : sign)),
    );
    expect(seen).toEqual(expected);
  });

  it.each(both)('%s is the same for batches of 1, 7 and 100, alone and together', async (_, score) => {
    const model = classifier();
    const images = [photo(1), photo(2), photo(3)];
    const maps: MapInput[] = [saliency(5), saliency(6), saliency(7)];
    const alone = await Promise.all(images.map(async (image, index) => score(image, maps[index]!, model, {stepSize: 4, batchSize: 1})));
    for (const batchSize of [1, 2, 7, 100]) {
      for (const input of [images, stack(images) as Tensor4D]) {
        const together = await score(input, maps, model, {stepSize: 4, batchSize});
        together.forEach((result, index) => {
          expectClose(result.curve, alone[index]!.curve, {abs: 1e-6}, `batchSize ${batchSize}`);
          expect(result.target).toBe(alone[index]!.target);
        });
      }
    }
  });

  it('calls the model on full batches, the last one excepted', async () => {
    const sizes: number[] = [];
    const spy: ScoreFn = (batch) => (sizes.push(batch.shape[0]), Array.from({length: batch.shape[0]}, () => [1, 0]));
    const images = Array.from({length: 5}, (_, index) => photo(index + 1));
    await deletionScore(
      images,
      images.map(() => saliency()),
      spy,
      {stepSize: 10, batchSize: 4, target: 0},
    );
    expect(sizes).toEqual([4, 4, 4, 4, 4, 4, 4, 2]); // 5 images of 6 scores
  });

  it('watch the class of the original image unless one is given', async () => {
    const model = classifier();
    const x = photo();
    const scores = [...(await (model.predict(reshape(x, [1, 9, 5, 3])) as Tensor).data())];
    const best = scores.indexOf(Math.max(...scores));
    const own = await deletionScore(x, saliency(), model, {stepSize: 9});
    expect(own.target).toBe(best);
    expect(own.curve[0]).toBeCloseTo(scores[best]!, 6);
    const other = await deletionScore(x, saliency(), model, {stepSize: 9, target: (best + 1) % 4});
    expect(other.curve[0]).toBeCloseTo(scores[(best + 1) % 4]!, 6);
    const each = await insertionScore([x, x], [saliency(), saliency()], model, {stepSize: 9, target: {perImage: [0, 3]}});
    expect(each.map(({target, curve}) => [target, curve.at(-1)!.toFixed(5)])).toEqual([
      [0, scores[0]!.toFixed(5)],
      [3, scores[3]!.toFixed(5)],
    ]);
  });

  it('give the same for a model, its teacher and the function of its predictions', async () => {
    const model = classifier();
    const x = photo();
    const options = {stepSize: 6};
    const byModel = await insertionScore(x, saliency(), model, options);
    const byTeacher = await insertionScore(x, saliency(), teacherFromLayersModel(model, {preprocessing: 'none'}), options);
    const byFunction = await insertionScore(x, saliency(), (batch) => model.predict(batch) as Tensor2D, options);
    expectClose(byTeacher.curve, byModel.curve, {abs: 1e-7});
    expectClose(byFunction.curve, byModel.curve, {abs: 1e-6});
  });

  it('take a decoded picture through the preprocessing of a teacher, and only of a teacher', async () => {
    const model = classifier();
    const picture = {data: Uint8Array.from({length: 9 * 5 * 3}, (_, index) => (index * 37) % 256), height: 9, width: 5};
    const tensor = tensor3d(
      Float32Array.from(picture.data, (value) => value / 255),
      [9, 5, 3],
    );
    const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
    const options = {stepSize: 5};
    expectClose(
      (await deletionScore(picture, saliency(), teacher, options)).curve,
      (await deletionScore(tensor, saliency(), model, options)).curve,
      {abs: 1e-6},
    );
    await expect(deletionScore(picture, saliency(), model, options)).rejects.toThrow(
      /only a Teacher knows how pixels become network input/,
    );
    await expect(deletionScore(picture, saliency(), sumModel, options)).rejects.toThrow(TypeError);
  });

  it('take foreign maps of every form', async () => {
    const model = classifier();
    const x = photo();
    const flat = saliency();
    const values = await flat.data();
    const rows = Array.from({length: 9}, (_, row) => [...values.subarray(row * 5, row * 5 + 5)]);
    const expected = await deletionScore(x, flat, model, {stepSize: 3});
    const forms: MapInput[] = [
      reshape(flat, [9, 5, 1]),
      reshape(flat, [1, 9, 5, 1]),
      rows,
      rows.map((row) => Float32Array.from(row)),
      {data: [...values], height: 9, width: 5},
    ];
    for (const map of forms) expect((await deletionScore(x, map, model, {stepSize: 3})).curve).toEqual(expected.curve);
    expect((await deletionScore([x, x], [rows, flat], model, {stepSize: 3})).map(({curve}) => curve)).toEqual([
      expected.curve,
      expected.curve,
    ]);
  });

  it('resize a map of the same aspect with half-pixel centres', async () => {
    const x = randomUniform([8, 12, 1], 0, 1, 'float32', 9) as Tensor3D;
    const coarse = [
      [0, 0, 0],
      [0, 0, 9],
    ];
    const first: number[] = [];
    const spy: ScoreFn = async (batch) => {
      const values = (await batch.data()).slice(0, x.size);
      first.push(values.indexOf(0));
      return Array.from({length: batch.shape[0]}, () => [1]);
    };
    await deletionScore(x, coarse, spy, {stepSize: 4, batchSize: 1, target: 0});
    // The four most salient pixels are at the lower right corner: rows 6–7, columns 10–11.
    expect(first[1]).toBe(6 * 12 + 10);
  });

  it.each(both)('%s leaves its inputs as they are and leaks nothing, asynchronous functions included', async (_, score) => {
    const model = classifier();
    const x = photo();
    const map = saliency();
    const kept = [[...(await x.data())], [...(await map.data())]];
    const slow: ScoreFn = async (batch) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return tidy(() => softmax(slice(reshape(batch, [batch.shape[0], -1]), [0, 0], [-1, 3]))) as Tensor2D;
    };
    for (const scored of [model, slow]) {
      await expectNoLeak(async () => {
        await score(x, map, scored, {stepSize: 7, batchSize: 3});
      });
    }
    expect([[...(await x.data())], [...(await map.data())]]).toEqual(kept);
  });

  it('stop when aborted in the middle, with the reason, leaking nothing', async () => {
    const model = classifier();
    const x = photo();
    const map = saliency();
    const reason = new Error('enough');
    for (const start of ['at once', 'after a batch', 'by a timer']) {
      const controller = new AbortController();
      let batches = 0;
      const onProgress = (): void => {
        batches += 1;
        if (start === 'after a batch' && batches === 2) controller.abort(reason);
      };
      if (start === 'at once') controller.abort(reason);
      if (start === 'by a timer') setTimeout(() => controller.abort(reason), 1);
      await expectNoLeak(async () => {
        const run = deletionScore(x, map, model, {stepSize: 1, batchSize: 1, signal: controller.signal, onProgress});
        await expect(run).rejects.toBe(reason);
      });
      expect(batches).toBeLessThan(46);
      if (start === 'after a batch') expect(batches).toBe(2);
    }
  }, 20_000);

  it('leak nothing when the model throws or gives nonsense', async () => {
    const x = photo();
    const map = saliency();
    let calls = 0;
    const failing: ScoreFn = (batch) => {
      calls += 1;
      if (calls === 3) throw new Error('out of order');
      return zeros([batch.shape[0], 2]) as Tensor2D;
    };
    await expectNoLeak(async () => expect(deletionScore(x, map, failing, {stepSize: 1, batchSize: 4})).rejects.toThrow('out of order'));
    await expectNoLeak(async () =>
      expect(deletionScore(x, map, () => zeros([3, 2]) as Tensor2D)).rejects.toThrow(
        'must return one row of scores per image, [1, classes], but returned Tensor of shape [3, 2]',
      ),
    );
    await expectNoLeak(async () =>
      expect(deletionScore(x, map, () => tensor2d([[1, NaN]]))).rejects.toThrow('NaN for image 0 of the batch, class 1'),
    );
  });

  it('report progress over all images', async () => {
    const records: Progress[] = [];
    await insertionScore([photo(1), photo(2)], [saliency(), saliency()], classifier(), {
      stepSize: 15,
      batchSize: 3,
      onProgress: (progress) => records.push(progress),
    });
    expect(records).toEqual([3, 6, 8].map((done) => ({stage: 'insertionScore', done, total: 8})));
  });

  it('record the options in force, with the documented defaults', async () => {
    const model = classifier();
    const deletion = await deletionScore(photo(), saliency(), model);
    expect(deletion).toMatchObject({
      kind: 'deletion',
      options: {target: 'argmax', stepSize: 2, batchSize: 16, workers: 0, fill: 'zeros', auc: 'official', ties: 'index-asc'},
    });
    expect(deletion.curve).toHaveLength(24); // 45 pixels, a 28th rounded up
    const insertion = await insertionScore(photo(), saliency(), model);
    expect(insertion.options.fill).toEqual({kernel: 'official', length: 11, sigma: 5});
    expect((await insertionScore(photo(), saliency(), model, {fill: photo(8)})).options.fill).toBe('tensor');
    expect((await insertionScore(photo(), saliency(), model, {fill: {kernel: 'gaussian'}})).curve).not.toEqual(insertion.curve);
    expect((await deletionScore(photo(), saliency(), model, {fill: 'blur'})).curve[0]).toBe(deletion.curve[0]);
    expect(JSON.parse(JSON.stringify(insertion))).toEqual(insertion);
  });

  it('score a single sigmoid output', async () => {
    const model = sequential({
      layers: [layers.flatten({inputShape: [4, 3, 1]}), layers.dense({units: 1, activation: 'sigmoid', kernelInitializer: 'ones'})],
    });
    const map = Array.from({length: 4}, () => [1, 2, 3]);
    const run = async (image: number, target?: number): Promise<CausalScore> =>
      deletionScore(fill([4, 3, 1], image) as Tensor3D, map, model, {stepSize: 6, target});
    const positive = await run(0.5);
    expect(positive.target).toBe(1);
    expectClose(
      positive.curve,
      [6, 3, 0].map((logit) => 1 / (1 + Math.exp(-logit))),
      {abs: 1e-6},
    );
    const negative = await run(-0.5);
    expect(negative.target).toBe(0);
    expectClose(negative.curve, positive.curve, {abs: 1e-6});
    expectClose(
      (await run(0.5, 0)).curve,
      positive.curve.map((score) => 1 - score),
      {abs: 1e-6},
    );
    await expect(run(0.5, 2)).rejects.toThrow('target must be a whole number from 0 to 1');
  });

  it('refuse no images', async () => {
    await expect(deletionScore([], [], classifier())).rejects.toThrow(
      new RangeError('deletionScore: images must hold at least one image, but is [].'),
    );
  });

  it.each<[string, (score: typeof deletionScore) => Promise<unknown>, RegExp]>([
    [
      'a class index out of range',
      (score) => score(photo(), saliency(), classifier(), {target: 4}),
      /target must be a whole number from 0 to 3, but is 4/,
    ],
    [
      'a class index out of range of a function',
      (score) => score(photo(), saliency(), (batch) => zeros([batch.shape[0], 2]) as Tensor2D, {target: 2}),
      /from 0 to 1, but is 2/,
    ],
    [
      'NaN in the map',
      (score) =>
        score(photo(), {data: Float32Array.from({length: 45}, (_, index) => (index === 13 ? NaN : 0)), height: 9, width: 5}, classifier()),
      /NaN at row 2, column 3/,
    ],
    [
      'NaN at the first pixel',
      (score) => score(photo(), {data: [NaN, ...Array<number>(44).fill(0)], height: 9, width: 5}, classifier()),
      /NaN at row 0, column 0/,
    ],
    ['a map of another aspect', (score) => score(photo(), zeros([5, 9]) as Tensor2D, classifier()), /is 5×9 for an image of 9×5/],
    ['a map of another rank', (score) => score(photo(), zeros([9, 5, 3]) as Tensor3D, classifier()), /but has \[9, 5, 3\]/],
    ['a malformed map', (score) => score(photo(), {data: [1, 2], height: 9, width: 5}, classifier()), /has 2 for 9×5/],
    ['ragged rows', (score) => score(photo(), [[1, 2], [3]], classifier()), /rows of the same length/],
    [
      'steps of no pixels',
      (score) => score(photo(), saliency(), classifier(), {stepSize: 0}),
      /Score: stepSize must be a whole number of at least 1, but is 0/,
    ],
    [
      'an empty batch',
      (score) => score(photo(), saliency(), classifier(), {batchSize: 0}),
      /Score: batchSize must be a whole number of at least 1, but is 0/,
    ],
    [
      'an unknown rule',
      (score) => score(photo(), saliency(), classifier(), {auc: 'trapezoid' as never}),
      /auc must be one of 'official', 'true-fraction'/,
    ],
    ['an unknown tie rule', (score) => score(photo(), saliency(), classifier(), {ties: 'random' as never}), /ties must be one of/],
    [
      'an unknown fill',
      (score) => score(photo(), saliency(), classifier(), {fill: 'noise' as never}),
      /Score: fill must be 'zeros', 'mean', 'blur'/,
    ],
    [
      'an even blur',
      (score) => score(photo(), saliency(), classifier(), {fill: {length: 10}}),
      /Score: fill.length must be an odd whole number from 1 to 1001, but is 10/,
    ],
    [
      'a fill of another size',
      (score) => score(photo(), saliency(), classifier(), {fill: zeros([5, 9, 3]) as Tensor3D}),
      /fill must have shape \[9, 5, 3\], but has \[5, 9, 3\]/,
    ],
    [
      'images of different sizes in batches of one',
      (score) =>
        score(
          [photo(), zeros([5, 9, 3]) as Tensor3D],
          [saliency(), zeros([5, 9]) as Tensor2D],
          (batch) => zeros([batch.shape[0], 2]) as Tensor2D,
          {
            batchSize: 1,
          },
        ),
      /images must have shape \[1, 9, 5, 3\], but has \[1, 5, 9, 3\]/,
    ],
    ['another number of maps', (score) => score([photo(), photo()], [saliency()], classifier()), /1 maps for 2 images/],
    [
      'another number of targets',
      (score) => score([photo()], [saliency()], classifier(), {target: {perImage: [1, 2]}}),
      /target.perImage must be one class for each image, but there are 2 for 1 images/,
    ],
    [
      'images of different sizes',
      (score) =>
        score([photo(), zeros([5, 9, 3]) as Tensor3D], [saliency(), saliency()], (batch) => zeros([batch.shape[0], 2]) as Tensor2D),
      /but has \[5, 9, 3\]/,
    ],
  ])('refuse %s', async (_, run, message) => {
    for (const [, score] of both) {
      await expect(run(score)).rejects.toThrow(message);
      await expect(run(score)).rejects.toThrow(RangeError);
    }
  });

  it('refuse what is no map and no model', async () => {
    await expect(deletionScore(photo(), 'map' as never, classifier())).rejects.toThrow(TypeError);
    await expect(deletionScore(photo(), null as never, classifier())).rejects.toThrow(/map must be \{data, height, width\}/);
    await expect(deletionScore(photo(), saliency(), 3 as never)).rejects.toThrow(
      /model must be a LayersModel, a Teacher, a GraphModel or a score function, but is 3/,
    );
  });

  it('work on images that are higher than wide, with means of blocks as the model', async () => {
    const x = tensor4d(
      Array.from({length: 6 * 4}, (_, index) => index),
      [1, 6, 4, 1],
    );
    const upper: ScoreFn = (batch) => tidy(() => asColumn(div(sum(slice(batch, [0, 0, 0, 0], [-1, 3, -1, -1]), [1, 2, 3]), 66)));
    const map = Array.from({length: 6}, (_, row) => Array.from({length: 4}, () => -row));
    const {curve} = await deletionScore(x, map, upper, {stepSize: 4});
    expectClose(curve, [1, 60 / 66, 38 / 66, 0, 0, 0, 0], {abs: 1e-6});
  });
});
