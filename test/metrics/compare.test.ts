import {
  mul,
  randomUniform,
  slice,
  softmax,
  stack,
  sum,
  tensor3d,
  tidy,
  zeros,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {beforeEach, describe, expect, it, vi} from 'vitest';
import {AttentiveError} from '../../src/core/errors/attentive-error.js';
import {Random} from '../../src/core/random.js';
import type {Explainer, ExplainerOptions, Progress, SaliencyMap, ScoreFn, SeedOptions} from '../../src/core/types.js';
import {blurImages} from '../../src/queries/blur.js';
import {compare} from '../../src/metrics/compare/compare.js';
import type {MetricContext, MetricName} from '../../src/metrics/compare/named-metrics.js';
import type {CompareOptions} from '../../src/metrics/compare/options.js';
import {maxSensitivity} from '../../src/metrics/of-explainer/max-sensitivity.js';
import {deletionScore} from '../../src/metrics/of-model/deletion-score.js';
import {formatComparison} from '../../src/metrics/compare/format-comparison.js';
import {insertionScore} from '../../src/metrics/of-model/insertion-score.js';
import {muFidelity} from '../../src/metrics/of-model/mu-fidelity.js';
import {symmetricRelevanceGain} from '../../src/metrics/of-model/symmetric-relevance-gain.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchBatch, patchImage, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {read} from '../helpers/read.js';

vi.mock('../../src/queries/blur.js', {spy: true});
beforeEach(() => {
  vi.mocked(blurImages).mockClear();
});

interface Call {
  image: number[];
  options: ExplainerOptions & SeedOptions;
}

/** Explains by a function of one image's values; remembers its calls. */
function explainer(
  draw: (values: Float32Array, options: ExplainerOptions & SeedOptions) => ArrayLike<number>,
  calls: Call[] = [],
): Explainer {
  return {
    method: 'test',
    async explain(image, options = {}): Promise<SaliencyMap[]> {
      const tensor = image as Tensor4D;
      expect(tensor.shape[0]).toBe(1);
      const values = Float32Array.from(await tensor.data());
      calls.push({image: [...values], options});
      const data = Float32Array.from(draw(values, options));
      const [, height, width] = tensor.shape;
      return [
        {
          data,
          height,
          width,
          target: options.target as number,
          score: 1,
          method: 'test',
          seed: 0,
          options: {},
          empty: data.every((value) => value === data[0]),
        },
      ];
    },
  };
}

const brightness = (values: Float32Array): number[] =>
  Array.from({length: values.length / 3}, (_, pixel) => values[3 * pixel]! + values[3 * pixel + 1]! + values[3 * pixel + 2]!);
const noise = (values: Float32Array, {seed}: SeedOptions): number[] => {
  const random = new Random(seed!);
  return Array.from({length: values.length / 3}, () => random.next());
};
const all: MetricName[] = [
  'insertion',
  'deletion',
  'pointing',
  'energy',
  'drop',
  'increase',
  'gain',
  'gini',
  'entropy',
  'intensity',
  'mu-fidelity',
  'sensitivity',
  'seconds',
  'srg',
];
const settings = {muFidelity: {numSamples: 20, gridSize: 4}, sensitivity: {numSamples: 2}};

/** Three classes: the sums of the channels. */
function counting(counts: number[]): ScoreFn {
  return (batch) => {
    counts.push(batch.shape[0]);
    return tidy(() => softmax(mul(sum(batch, [1, 2]), 0.05)) as Tensor2D);
  };
}

const pixelsOf = (images: readonly Tensor3D[]): Promise<number[][]> => Promise.all(images.map(async (image) => [...(await image.data())]));
const photos = (count: number): Tensor3D[] =>
  Array.from({length: count}, (_, index) => randomUniform([8, 6, 3], -1, 1, 'float32', index + 1) as Tensor3D);

describe('compare', () => {
  it('finds the explainer that knows the truth, by every metric of place', async () => {
    const model = patchTeacher();
    const {images, labels} = patchBatch(0, 6);
    const regions = Array.from({length: 6}, (_, index): [number, number, number, number][] => {
      const {top, left} = patchImage(index);
      return [[left / WIDTH, top / HEIGHT, (left + 4) / WIDTH, (top + 4) / HEIGHT]];
    });
    const rows = await compare({
      explainers: {truth: explainer((values) => brightness(values).map((value) => Math.max(value - 1, 0))), noise: explainer(noise)},
      metrics: all,
      images,
      model: teacherFromLayersModel(model),
      regions,
      settings,
      seed: 5,
    });
    const [truth, random] = rows.map(({values}) => values);
    expect(rows.map(({method, images: count, emptyMaps}) => [method, count, emptyMaps])).toEqual([
      ['truth', 6, 0],
      ['noise', 6, 0],
    ]);
    expect(rows[0]!.perImage.map(({target}) => target)).toEqual(labels);
    expect(truth!['pointing']!.mean).toBe(1);
    expect(truth!['energy']!.mean).toBeGreaterThan(0.95);
    expect(random!['energy']!.mean).toBeLessThan(0.1);
    expect(truth!['insertion']!.mean).toBeGreaterThan(random!['insertion']!.mean);
    expect(truth!['deletion']!.mean).toBeLessThan(random!['deletion']!.mean);
    expect(truth!['gini']!.mean).toBeGreaterThan(random!['gini']!.mean);
    expect(truth!['mu-fidelity']!.mean).toBeGreaterThan(random!['mu-fidelity']!.mean);
    expect(random!['sensitivity']!.mean).toBe(0);
    expect(truth!['seconds']!.mean).toBeGreaterThan(0);
    expect(Object.keys(truth!)).toEqual(all);
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
    model.dispose();
  });

  it('gives the numbers of the metrics alone', async () => {
    const images = photos(3);
    const model = counting([]);
    const [row] = await compare({
      explainers: {bright: explainer(brightness)},
      metrics: ['insertion', 'deletion'],
      images,
      model,
      batchSize: 2,
      settings: {deletion: {stepSize: 5, fill: 'blur'}},
    });
    for (const [index, {values, target}] of row!.perImage.entries()) {
      const map = {data: brightness((await images[index]!.data()) as Float32Array), height: 8, width: 6};
      expectClose([values['insertion']!], [(await insertionScore(images[index]!, map, model, {stepSize: 2, target})).auc], {abs: 1e-6});
      expectClose([values['deletion']!], [(await deletionScore(images[index]!, map, model, {stepSize: 5, fill: 'blur'})).auc], {
        abs: 1e-6,
      });
    }
    const numbers = row!.perImage.map(({values}) => values['insertion']!);
    const mean = numbers.reduce((a, b) => a + b, 0) / 3;
    const error = Math.sqrt(numbers.reduce((a, b) => a + (b - mean) ** 2, 0) / 2 / 3);
    expectClose([row!.values['insertion']!.mean, row!.values['insertion']!.standardError], [mean, error], {abs: 1e-12});
  });

  it('takes insertion and deletion under several baselines, each made once', async () => {
    const images = photos(2);
    const model = counting([]);
    const another = randomUniform([8, 6, 3], -1, 1, 'float32', 9) as Tensor3D;
    const metrics: CompareOptions['metrics'] = [
      'insertion',
      'deletion',
      {metric: 'insertion', name: 'insertion, grey', fill: 0.5},
      {metric: 'insertion', name: 'insertion, in 3', stepSize: 16, fill: undefined},
      {metric: 'deletion', name: 'deletion, blur', fill: 'blur', auc: 'true-fraction', ties: 'index-desc'},
      {metric: 'deletion', name: 'deletion, picture', fill: another},
      'srg',
      {metric: 'srg', name: 'srg, blur', fill: 'blur'},
    ];
    const run = (): ReturnType<typeof compare> =>
      compare({
        explainers: {bright: explainer(brightness), noise: explainer(noise)},
        metrics,
        images,
        model,
        settings: {insertion: {stepSize: 5}, srg: {stepSize: 7}},
      });
    const [row] = await run();
    expect(blurImages).toHaveBeenCalledTimes(1);
    for (const [index, {values, target}] of row!.perImage.entries()) {
      const x = images[index]!;
      const map = {data: brightness((await x.data()) as Float32Array), height: 8, width: 6};
      const gainOf = async (fill: 'blur' | undefined): Promise<{auc: number}> => ({
        auc: (await symmetricRelevanceGain(x, map, model, {target, stepSize: 7, fill})).gain,
      });
      const expected = {
        insertion: await insertionScore(x, map, model, {target, stepSize: 5}),
        deletion: await deletionScore(x, map, model, {target}),
        'insertion, grey': await insertionScore(x, map, model, {target, stepSize: 5, fill: 0.5}),
        'insertion, in 3': await insertionScore(x, map, model, {target, stepSize: 16}),
        'deletion, blur': await deletionScore(x, map, model, {target, fill: 'blur', auc: 'true-fraction', ties: 'index-desc'}),
        'deletion, picture': await deletionScore(x, map, model, {target, fill: another}),
        srg: await gainOf(undefined),
        'srg, blur': await gainOf('blur'),
      };
      expect(Object.keys(values)).toEqual(Object.keys(expected));
      expectClose(
        Object.values(values),
        Object.values(expected).map(({auc}) => auc),
        {abs: 1e-6},
      );
    }
    await expectNoLeak(run);
  });

  it('asks every explainer once per image, for the same class and with the same seed', async () => {
    const images = photos(5);
    const [a, b]: [Call[], Call[]] = [[], []];
    const counts: number[] = [];
    const [row] = await compare({
      explainers: {a: explainer(brightness, a), b: explainer(noise, b)},
      metrics: ['gini'],
      images,
      model: counting(counts),
      batchSize: 2,
      seed: 3,
    });
    expect(counts).toEqual([2, 2, 1]); // the model names the classes, nothing else
    expect(a.map(({image}) => image)).toEqual(await pixelsOf(images));
    expect(b).toEqual(a.map((call) => ({...call})));
    expect(a.map(({options}) => [options.target, options.seed])).toEqual(row!.perImage.map(({target, seed}) => [target, seed]));
    expect(new Set(a.map(({options}) => options.seed)).size).toBe(5);
    expect(a.every(({options}) => options.batchSize === 2)).toBe(true);
    for (const {target, score, index} of row!.perImage) {
      const scores = await read(() => softmax(mul(sum(images[index]!, [0, 1]), 0.05)));
      expect([target, score.toFixed(5)]).toEqual([scores.indexOf(Math.max(...scores)), Math.max(...scores).toFixed(5)]);
    }
  });

  it('blurs and scores the images once for all explainers', async () => {
    const counts: number[] = [];
    const many = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, explainer(brightness)]));
    await compare({
      explainers: many,
      metrics: ['insertion', 'deletion', 'drop', 'increase', 'gain'],
      images: photos(4),
      model: counting(counts),
    });
    expect(blurImages).toHaveBeenCalledTimes(1);
    // 4 for the classes; per map 25 of insertion, 25 of deletion (48 pixels by 2), and 2 for drop, increase and gain together.
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4 + 3 * 4 * (25 + 25 + 2));
    vi.mocked(blurImages).mockClear();
    await compare({
      explainers: many,
      metrics: ['deletion', 'insertion'],
      images: photos(1),
      model: counting([]),
      settings: {insertion: {fill: 'zeros'}},
    });
    expect(blurImages).not.toHaveBeenCalled();
  });

  it('takes given classes, one or one per image', async () => {
    const calls: Call[] = [];
    const run = (target: CompareOptions['target']): ReturnType<typeof compare> =>
      compare({
        explainers: {a: explainer(brightness, calls)},
        metrics: ['insertion'],
        images: photos(3),
        model: counting([]),
        target,
        batchSize: 2,
      });
    await run(2);
    await run({perImage: [0, 2, 1]});
    expect(calls.map(({options}) => options.target)).toEqual([2, 2, 2, 0, 2, 1]);
    await expect(run({perImage: [0, 3, 1]})).rejects.toThrow('compare: target.perImage[1] must be a whole number from 0 to 2, but is 3.');
  });

  it('is the same for every batch size, and for a tensor or a list', async () => {
    const list = photos(5);
    const run = async (images: CompareOptions['images'], batchSize: number | undefined): Promise<unknown> => {
      const rows = await compare({
        explainers: {a: explainer(brightness), b: explainer(noise)},
        metrics: ['insertion', 'mu-fidelity', 'sensitivity', 'drop'],
        images,
        model: counting([]),
        batchSize,
        settings,
        seed: 2,
      });
      return rows.map(({perImage}) => perImage.map(({values}) => Object.values(values).map((value) => Number(value.toFixed(5)))));
    };
    const expected = await run(list, undefined);
    for (const batchSize of [1, 2, 100]) expect(await run(list, batchSize)).toEqual(expected);
    expect(await run(stack(list) as Tensor4D, 3)).toEqual(expected);
  });

  it('gives slow explainers fewer images, and says so', async () => {
    const slow: Call[] = [];
    const options: CompareOptions = {
      explainers: {quick: explainer(brightness), slow: explainer(noise, slow)},
      metrics: ['intensity'],
      images: photos(5),
      model: counting([]),
      limits: {slow: 2},
      batchSize: 2,
    };
    const records: Progress[] = [];
    const rows = await compare({...options, onProgress: (progress) => records.push(progress)});
    expect(rows.map(({images, values}) => [images, values['intensity']!.images])).toEqual([
      [5, 5],
      [2, 2],
    ]);
    expect(slow).toHaveLength(2);
    expect(records).toEqual([1, 2, 3, 4, 5, 6, 7].map((done) => ({stage: 'compare', done, total: 7})));
    const common = await compare({...options, commonImages: true});
    expect(common.map(({images, perImage}) => [images, perImage.map(({index}) => index)])).toEqual([
      [2, [0, 1]],
      [2, [0, 1]],
    ]);
    expect(common[0]!.perImage).toEqual(rows[0]!.perImage.slice(0, 2));
  });

  it("takes metrics of one's own, and leaves out what they do not define", async () => {
    const seen: MetricContext[] = [];
    const images = photos(3);
    const model = counting([]);
    const peak = {
      name: 'peak',
      measure: (context: MetricContext): number => (seen.push(context), context.index === 1 ? NaN : Math.max(...context.map.data)),
    };
    const later = {
      name: 'later',
      measure: async ({image}: MetricContext): Promise<number> => (await tidy(() => slice(image, [0, 0, 0, 0], [1, 1, 1, 1])).data())[0]!,
    };
    const [row] = await compare({
      explainers: {a: explainer(brightness)},
      metrics: [peak, 'gini', later],
      images,
      model,
      regions: [[[0, 0, 1, 1]], undefined, [[0, 0, 1, 1]]],
    });
    expect(Object.keys(row!.values)).toEqual(['peak', 'gini', 'later']);
    expect(row!.values['peak']).toMatchObject({images: 2});
    expect(row!.values['later']!.mean).toBeCloseTo((await pixelsOf(images)).reduce((total, [first]) => total + first!, 0) / 3, 6);
    expect(seen.map(({method, model: given, region}) => [method, given === model, region !== undefined])).toEqual([
      ['a', true, true],
      ['a', true, false],
      ['a', true, true],
    ]);
    expect(seen.every(({image}) => image.isDisposed)).toBe(true);
  });

  it('leaves images without a region out of the pointing game', async () => {
    const [row] = await compare({
      explainers: {a: explainer(brightness)},
      metrics: ['pointing', 'energy'],
      images: photos(3),
      model: counting([]),
      regions: [[[0, 0, 1, 1]], undefined, [[0, 0, 1, 1]]],
    });
    expect(row!.values).toMatchObject({pointing: {mean: 1, images: 2}, energy: {mean: 1, images: 2}});
  });

  it('brings maps of another size to that of the image, and counts flat ones', async () => {
    const coarse: Explainer = {
      method: 'coarse',
      explain: async () => [
        {data: new Float32Array(12), height: 4, width: 3, target: 1, score: 0, method: 'coarse', seed: null, options: {}, empty: true},
      ],
    };
    const sizes: number[] = [];
    const size = {name: 'size', measure: ({map}: MetricContext): number => sizes.push(map.data.length, map.height, map.width)};
    const [row] = await compare({
      explainers: {coarse},
      metrics: [size, 'insertion', 'sensitivity'],
      images: photos(1),
      model: counting([]),
      target: 0,
    });
    expect(sizes).toEqual([48, 8, 6]);
    expect([row!.emptyMaps, row!.perImage[0]!.explained, row!.perImage[0]!.target]).toEqual([1, 1, 0]);
    expect(row!.values['sensitivity']!.mean).toBe(0);
  });

  it('warms up on request, outside the clock', async () => {
    const calls: Call[] = [];
    await compare({
      explainers: {a: explainer(brightness, calls)},
      metrics: ['seconds'],
      images: photos(2),
      model: counting([]),
      warmUp: true,
    });
    expect(calls).toHaveLength(3);
    expect(calls[0]).toEqual(calls[1]);
  });

  it('keeps the numbers of metrics apart, whatever their names', async () => {
    const names = ['b', '1', '0', 'constructor', '__proto__'];
    const [row] = await compare({
      explainers: {a: explainer(brightness)},
      metrics: names.map((name, index) => ({name, measure: () => index})),
      images: photos(2),
      model: counting([]),
    });
    expect(names.map((name) => row!.values[name]!.mean)).toEqual([0, 1, 2, 3, 4]);
    expect(formatComparison([row!]).split('\n')[2]).toMatch(/^a +2( +\d\.000){5}$/);
  });

  it('hands the settings of a metric on to it', async () => {
    const [x] = photos(1);
    const model = counting([]);
    const calls: Call[] = [];
    const corner: [number, number, number, number][] = [[0, 0, 0.1, 0.1]];
    const own = {
      muFidelity: {numSamples: 15, gridSize: 3, subsetFraction: 0.4, fill: 0.1},
      sensitivity: {numSamples: 3, radius: 0.4},
      pointing: {tolerance: 20},
    };
    const [row] = await compare({
      explainers: {a: explainer(brightness, calls)},
      metrics: ['mu-fidelity', 'sensitivity', 'pointing'],
      images: x!,
      model,
      regions: [corner],
      settings: own,
    });
    expect(calls).toHaveLength(1 + 3); // The map of the image itself is drawn once.
    const {seed, target, values} = row!.perImage[0]!;
    const map = {data: brightness((await x!.data()) as Float32Array), height: 8, width: 6};
    const options = {seed, target};
    expect(values).toEqual({
      'mu-fidelity': (await muFidelity(x!, map, model, {...own.muFidelity, ...options})).correlation,
      sensitivity: (await maxSensitivity(x!, explainer(brightness), {...own.sensitivity, ...options})).sensitivity,
      pointing: 1,
    });
    expect(values['sensitivity']).toBeGreaterThan(0);
  });

  it('does not take a flat map for one with many peaks', async () => {
    const flat = explainer((values) => new Array<number>(values.length / 3).fill(0.5));
    const [row] = await compare({explainers: {flat}, metrics: ['intensity'], images: photos(1), model: counting([])});
    expect([row!.emptyMaps, row!.tiedMaps, row!.perImage[0]!.peaks]).toEqual([1, 0, 0]);
  });

  it('takes decoded pictures through a teacher', async () => {
    const model = patchTeacher();
    const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
    const picture = {data: new Uint8Array(HEIGHT * WIDTH * 3).fill(255), height: HEIGHT, width: WIDTH};
    const calls: Call[] = [];
    await compare({explainers: {a: explainer(brightness, calls)}, metrics: ['gini'], images: [picture, picture], model: teacher});
    expect(calls.map(({image}) => image[0])).toEqual([1, 1]);
    model.dispose();
  });

  it('names what failed, and keeps why', async () => {
    const images = photos(3);
    const cause = new TypeError('no such layer');
    let calls = 0;
    const failing = explainer((values) => {
      if (++calls === 2) throw cause;
      return brightness(values);
    });
    const options: CompareOptions = {
      explainers: {good: explainer(brightness), 'Grad-CAM': failing},
      metrics: ['insertion'],
      images,
      model: counting([]),
    };
    await expectNoLeak(async () => {
      const error = await compare(options).then(
        () => undefined,
        (reason: unknown) => reason as Error,
      );
      expect(error).toBeInstanceOf(AttentiveError);
      expect(error!.message).toBe("compare: explainer 'Grad-CAM' failed on image 1: no such layer");
      expect(error!.cause).toBe(cause);
    });
    const broken = {name: 'broken', measure: (): number => 'much' as never};
    await expect(compare({...options, metrics: [broken]})).rejects.toThrow(
      "compare: metric 'broken' of 'good' failed on image 0: the value must be a number, but is \"much\"",
    );
    const several: Explainer = {method: 'several', explain: async () => []};
    await expect(compare({...options, explainers: {several}})).rejects.toThrow(
      /explainer 'several' failed .* must give one map for one image and one target, but gave 0/,
    );
  });

  it('stops in the middle with the reason, leaking nothing', async () => {
    const images = photos(3);
    for (const stage of ['explainer', 'metric', 'progress', 'before'] as const) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const stop = (): void => controller.abort(reason);
      const stopping: Explainer = {
        ...explainer(brightness),
        explain: async (image, options) => {
          if (stage === 'explainer') {
            stop();
            throw new Error('wrapped by the explainer');
          }
          return explainer(brightness).explain(image, options);
        },
      };
      const metric = {name: 'own', measure: (): number => (stage === 'metric' && stop(), 1)};
      if (stage === 'before') stop();
      let done = 0;
      await expectNoLeak(async () => {
        const run = compare({
          explainers: {first: explainer(brightness), stopping},
          metrics: [metric, 'insertion', 'mu-fidelity'],
          images,
          model: counting([]),
          settings,
          signal: controller.signal,
          onProgress: (progress) => {
            done = progress.done;
            if (stage === 'progress' && done === 3) stop();
          },
        });
        await expect(run).rejects.toBe(reason);
      });
      expect(done).toBe({explainer: 1, metric: 0, progress: 3, before: 0}[stage]);
    }
  });

  it('changes no image and leaks nothing', async () => {
    const images = photos(3);
    const kept = await pixelsOf(images);
    await expectNoLeak(() =>
      compare({
        explainers: {a: explainer(brightness), b: explainer(noise)},
        metrics: all.slice(4),
        images,
        model: counting([]),
        settings,
        batchSize: 2,
      }),
    );
    expect(await pixelsOf(images)).toEqual(kept);
  });

  it.each<[string, Partial<CompareOptions>, RegExp]>([
    ['no explainers', {explainers: {}}, /explainers must hold at least one/],
    ['no images', {images: []}, /^compare: images must hold at least one image/],
    ['an unknown metric', {metrics: ['insert' as never]}, /^compare: metrics\[0\] must be one of 'insertion', /],
    [
      'a metric without a name',
      {metrics: [{measure: () => 1} as never]},
      /^compare: metrics\[0\] must be .* or \{name, measure\(\)\}, but is Object/,
    ],
    [
      'an unknown metric with options',
      {metrics: [{metric: 'insert' as never, name: 'mine'}]},
      /^compare: metrics\[0\].metric must be one of 'insertion', 'deletion', 'srg', but is "insert"/,
    ],
    [
      'a metric with options and no name',
      {metrics: [{metric: 'insertion'} as never]},
      /^compare: metrics\[0\].name must be a text, but is undefined/,
    ],
    [
      'an unknown option of a metric',
      {metrics: ['gini', {metric: 'deletion', name: 'mine', fil: 0} as never]},
      /^compare: there is no option 'metrics\[1\].fil'. Did you mean 'fill'\?/,
    ],
    [
      'a wrong option of a metric',
      {metrics: [{metric: 'deletion', name: 'mine', stepSize: 0}]},
      /^compare: metrics\[0\].stepSize must be a whole number of at least 1, but is 0/,
    ],
    ['a name twice, with options', {metrics: ['deletion', {metric: 'insertion', name: 'deletion'}]}, /"deletion" is there twice/],
    ['a name twice', {metrics: ['gini', {name: 'gini', measure: () => 1}]}, /"gini" is there twice/],
    ['limits of nobody', {limits: {b: 2}}, /^compare: limits must be for explainers, "a", but has "b"/],
    ['no images for one', {limits: {a: 0}}, /^compare: limits\["a"\] must be a whole number of at least 1, but is 0/],
    ['pointing without regions', {metrics: ['pointing']}, /^compare: regions must be given for 'pointing'/],
    ['too few regions', {regions: [undefined]}, /there are 1 for 2 images/],
    ['a region that is none', {regions: [undefined, 5 as never]}, /^compare: regions\[1\] must be boxes .* or a mask .*, but is 5/],
    ['a turned box', {regions: [[[0.5, 0, 0.1, 1]], undefined]}, /^compare: regions\[0\]\[0\] must have left < right/],
    ['too few classes', {target: {perImage: [1]}}, /^compare: target.perImage must be one class for each image, but there are 1 for 2/],
    ['an empty batch', {batchSize: 0}, /^compare: batchSize must be a whole number of at least 1, but is 0/],
    ['a seed below 0', {seed: -1}, /seed must be/],
    ['an unknown fill', {metrics: ['insertion'], settings: {insertion: {fill: 'noise' as never}}}, /fill must be/],
  ])('refuses %s before anything runs', async (_, options, message) => {
    const calls: Call[] = [];
    await expect(
      compare({explainers: {a: explainer(brightness, calls)}, metrics: ['gini'], images: photos(2), model: counting([]), ...options}),
    ).rejects.toThrow(message);
    expect(calls).toHaveLength(0);
  });

  it('refuses images of different sizes', async () => {
    await expect(
      compare({
        explainers: {a: explainer(brightness)},
        metrics: ['gini'],
        images: [photos(1)[0]!, zeros([6, 8, 3]) as Tensor3D],
        model: counting([]),
      }),
    ).rejects.toThrow(RangeError);
  });
});

describe('formatComparison', () => {
  const mean = (value: number, images: number): {mean: number; standardError: number; images: number} => ({
    mean: value,
    standardError: images < 2 ? NaN : 0.0123,
    images,
  });
  const rows = [
    {
      method: 'Grad-CAM',
      images: 20,
      emptyMaps: 0,
      tiedMaps: 0,
      values: {insertion: mean(0.71234, 20), pointing: mean(0.5, 18)},
      perImage: [],
    },
    {method: 'RISE', images: 1, emptyMaps: 0, tiedMaps: 0, values: {insertion: mean(0.8, 1), pointing: mean(NaN, 0)}, perImage: []},
  ];

  it('is an aligned table that shows where fewer images count', () => {
    expect(formatComparison(rows, {digits: 2}).split('\n')).toEqual([
      'method    images  insertion  pointing',
      '────────  ──────  ─────────  ─────────',
      'Grad-CAM      20  0.71       0.50 (18)',
      'RISE           1  0.80       – (0)',
    ]);
  });

  it('shows nothing where a row lacks a metric, and refuses what is no row', () => {
    const named = {...rows[0]!, values: {toString: mean(0.5, 20)}};
    expect(formatComparison([named, rows[0]!]).split('\n').at(-1)).toBe('Grad-CAM      20  – (0)');
    for (const [wrong, message] of [
      [[null], 'formatComparison: rows[0] must be a row of compare(), but is null.'],
      [[rows[0], {values: null}], 'formatComparison: rows[1] must be a row of compare(), but is Object.'],
      ['rows', 'formatComparison: rows must be what compare() gives, but is "rows".'],
    ] as const)
      expect(() => formatComparison(wrong as never)).toThrow(new TypeError(message));
  });

  it('shows flat maps where there are any', () => {
    const lines = formatComparison([rows[0]!, {...rows[1]!, emptyMaps: 1}]).split('\n');
    expect([lines[0], lines[3]]).toEqual([
      'method    images  flat maps  insertion  pointing',
      'RISE           1          1  0.800      – (0)',
    ]);
  });

  it('adds standard errors on request', () => {
    expect(formatComparison(rows, {standardErrors: true}).split('\n').at(2)).toBe('Grad-CAM      20  0.712 ± 0.012  0.500 ± 0.012 (18)');
    expect(formatComparison([])).toMatch(/^method/);
  });

  it('reads what compare gives', async () => {
    const x = tensor3d(
      Array.from({length: 144}, (_, at) => at / 144),
      [8, 6, 3],
    );
    const text = formatComparison(
      await compare({explainers: {bright: explainer(brightness)}, metrics: ['intensity', 'deletion'], images: x, model: counting([])}),
    );
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toMatch(/^method {2}images {2}intensity {2}deletion\n.*\nbright {7}1 {2}1\.490/);
  });
});
