/** What all explainers do alike with their arguments: what they refuse, by name and before any work, and what they record. */
import {fill, reshape, slice, tensor2d, zeros, type Tensor1D, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  classActivationMap,
  classActivationMapExplainer,
  drawMaskGrids,
  gradCam,
  gradCamExplainer,
  gradientSaliency,
  gradientSaliencyExplainer,
  lime,
  limeExplainer,
  limeMask,
  masksFromGrids,
  randomExplainer,
  randomMap,
  rise,
  riseExplainer,
  slic,
  smoothGrad,
  smoothGradExplainer,
} from '../../src/baselines/index.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap} from '../../src/core/types.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';

type Options = ExplainerOptions & Record<string, unknown>;
interface Method {
  readonly quick: Options;
  readonly explain: (images: ImagesInput, model: Model, options?: Options) => Promise<SaliencyMap[]>;
  readonly bind: (model: Model, options?: Options) => Explainer;
  readonly random: boolean;
}

const methods: Record<string, Method> = {
  rise: {quick: {numMasks: 5, gridSize: 3}, explain: rise, bind: riseExplainer, random: true},
  lime: {quick: {numSamples: 5, segmenter: 'grid'}, explain: lime, bind: limeExplainer, random: true},
  smoothGrad: {quick: {numSamples: 3}, explain: smoothGrad, bind: smoothGradExplainer, random: true},
  gradCam: {quick: {}, explain: gradCam, bind: gradCamExplainer, random: false},
  classActivationMap: {
    quick: {},
    explain: classActivationMap as Method['explain'],
    bind: classActivationMapExplainer as Method['bind'],
    random: false,
  },
  gradientSaliency: {quick: {}, explain: gradientSaliency, bind: gradientSaliencyExplainer, random: false},
  randomExplainer: {
    quick: {},
    explain: async (images, model, options) => randomExplainer(model, options).explain(images),
    bind: randomExplainer,
    random: true,
  },
};

let model: LayersModel;
let images: Tensor4D;
beforeAll(() => {
  model = patchTeacher();
  ({images} = patchBatch(0, 3));
});
afterAll(() => {
  model.dispose();
  images.dispose();
});

async function expectRefused(call: () => unknown, type: typeof TypeError | typeof RangeError, message: RegExp): Promise<void> {
  await expectNoLeak(async () => {
    const error = await Promise.resolve()
      .then(call)
      .then(
        (value) => new Error(`it returned ${String(value)}`),
        (reason: unknown) => reason as Error,
      );
    expect(error.message).toMatch(message);
    expect(error).toBeInstanceOf(type);
  });
}

describe.each(Object.entries(methods))('%s', (name, {quick, explain, bind, random}) => {
  const says = (what: string): RegExp => new RegExp(`^${name}: ${what}`);
  const where = name.replace(/(Explainer)?$/, 'Explainer');

  it('refuses what is no image', async () => {
    const disposed = zeros([HEIGHT, WIDTH, 3]) as never;
    (disposed as Tensor4D).dispose();
    await expectRefused(() => explain([], model, quick), RangeError, says('images must hold at least one image, but is \\[\\]'));
    await expectRefused(() => explain(Promise.resolve(images) as never, model, quick), TypeError, says('images must .*await it first'));
    await expectRefused(() => explain([disposed], model, quick), TypeError, says('images\\[0\\] must be .* a disposed Tensor'));
    for (const wrong of [null, undefined, 7, 'cat.png', {width: 2, height: 2}]) {
      await expectRefused(() => explain(wrong as never, model, quick), TypeError, says('images must be a tensor or a picture'));
    }
    const none = zeros([0, HEIGHT, WIDTH, 3]) as Tensor4D;
    await expectRefused(() => explain(none, model, quick), RangeError, says('images must hold at least one image'));
    none.dispose();
  });

  it('refuses images that are not finite, before they become a map', async () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const broken = fill([1, HEIGHT, WIDTH, 3], value) as Tensor4D;
      await expectRefused(() => explain(broken, model, quick), RangeError, says('images must be finite'));
      broken.dispose();
    }
  });

  it('refuses what is no model', async () => {
    await expectRefused(() => explain(images, Promise.resolve(model) as never, quick), TypeError, /model must be .*await it first/);
    for (const wrong of [null, undefined, 'model.json', {}]) {
      await expectRefused(() => explain(images, wrong as never, quick), TypeError, new RegExp(`^${name}: model must be`));
    }
  });

  it('refuses options that it does not know or cannot use', async () => {
    const refused: [unknown, typeof TypeError | typeof RangeError, string][] = [
      [{...quick, batchsize: 4}, TypeError, "there is no option 'batchsize'. Did you mean 'batchSize'"],
      [{...quick, normalise: true}, TypeError, "there is no option 'normalise'"],
      [{...quick, batchSize: '4'}, TypeError, 'batchSize must be a whole number of at least 1, but is "4"'],
      [{...quick, batchSize: 0}, RangeError, 'batchSize must be a whole number of at least 1, but is 0'],
      [{...quick, signal: {aborted: false}}, TypeError, 'signal must be an AbortSignal'],
      [{...quick, onProgress: 'log'}, TypeError, 'onProgress must be a function'],
      [{...quick, target: 1.5}, RangeError, 'target must be'],
      [{...quick, target: 3}, RangeError, 'target must be a whole number from 0 to 2, but is 3'],
      [{...quick, target: []}, RangeError, 'target must be'],
      [{...quick, target: {perImage: [0, 1]}}, RangeError, 'target.perImage must be one class for each image, but there are 2 for 3'],
      [{...quick, target: {perImage: [0, 3, 1]}}, RangeError, 'target.perImage\\[1\\] must be a whole number from 0 to 2'],
      [{...quick, target: {kind: 'binary', positive: true}}, RangeError, 'target must be a class from 0 to 2'],
    ];
    for (const [options, type, message] of refused)
      await expectRefused(() => explain(images, model, options as never), type, says(message));
    const seeds: [unknown, typeof TypeError | typeof RangeError, string][] = random
      ? [
          [-1, RangeError, 'seed must be a whole number from 0 to 4294967295'],
          ['7', TypeError, 'seed must be a whole number'],
        ]
      : [[7, TypeError, "there is no option 'seed'"]];
    for (const [seed, type, message] of seeds) await expectRefused(() => explain(images, model, {...quick, seed}), type, says(message));
    if (name === 'randomExplainer') return; // its options are those of the next test
    for (const wrong of [null, 5, 'fast', [], Promise.resolve({})]) {
      await expectRefused(() => explain(images, model, wrong as never), TypeError, says('options must be an object'));
    }
  });

  it('is checked when it is bound, model and options', async () => {
    await expectRefused(() => bind(undefined as never, quick), TypeError, new RegExp(`^${where}: model must be`));
    await expectRefused(() => bind(Promise.resolve(model) as never), TypeError, new RegExp(`^${where}: model must be .*await it first`));
    await expectRefused(() => bind(model, {...quick, tarqet: 1}), TypeError, says(".*'tarqet'. Did you mean 'target'"));
    for (const wrong of [null, 5, [], Promise.resolve({})]) {
      await expectRefused(() => bind(model, wrong as never), TypeError, says('options must be an object'));
    }
  });

  it('refuses options of a call as it refuses its own, and takes a seed even where nothing is random', async () => {
    const explainer = bind(model, quick);
    for (const wrong of [null, 5, [], Promise.resolve({target: 1})]) {
      await expectRefused(() => explainer.explain(images, wrong as never), TypeError, says('options must be an object'));
    }
    await expectRefused(() => explainer.explain(images, {targets: 1} as never), TypeError, says("there is no option 'targets'"));
    const maps = await explainer.explain(images, {seed: 9, target: 2});
    expect(maps.map(({seed, target}) => [seed, target])).toEqual([1, 2, 3].map(() => [random ? 9 : null, 2]));
  });

  it('explains the class of each image, in batches as in one', async () => {
    const target = {perImage: [2, 0, 1]};
    await expectNoLeak(async () => {
      const whole = await explain(images, model, {...quick, target});
      expect(whole.map((map) => map.target)).toEqual([2, 0, 1]);
      const parts = await explain(images, model, {...quick, target, batchSize: 2});
      const each = await explain(images, model, {...quick, target: [0, 1, 2]});
      whole.forEach((map, image) => {
        const same = each[3 * image + map.target]!;
        expectClose(map.data, same.data, {abs: 1e-5, relToMax: 1e-5}, `image ${image}`);
        expectClose(parts[image]!.data, same.data, {abs: 1e-5, relToMax: 1e-5}, `image ${image}, in batches`);
        expect(parts[image]!.target).toBe(map.target);
      });
    });
  });

  it('records every option in force, also those that were not given', async () => {
    for (const target of ['argmax', 1, [0, 2], {perImage: [0, 1, 2]}] as const) {
      const [map] = await explain(images, model, {...quick, target, batchSize: 3});
      const recorded = map!.options;
      expect(recorded).toMatchObject({...quick, ...(name === 'rise' ? {gridSize: [3, 3]} : {}), target, batchSize: 3});
      expect('seed' in recorded).toBe(random);
      expect(Object.keys(recorded)).not.toContain('signal');
      expect(Object.keys(recorded)).not.toContain('onProgress');
    }
    const [byDefault] = await explain(images, model, name === 'lime' ? quick : {...quick, batchSize: undefined});
    expect(byDefault!.options).toMatchObject({target: 'argmax', batchSize: 16});
  });

  it('stops by its signal and reports how far it is', async () => {
    const reason = new Error('enough');
    await expectNoLeak(async () => {
      await expect(explain(images, model, {...quick, signal: AbortSignal.abort(reason)})).rejects.toBe(reason);
      const controller = new AbortController();
      const stages: [string, number][] = [];
      const onProgress = ({stage, done, total}: {stage: string; done: number; total: number}): void => {
        stages.push([stage, done / total]);
        if (stages.length === 2) controller.abort(reason);
      };
      const stopped = explain(images, model, {...quick, batchSize: 1, signal: controller.signal, onProgress});
      await expect(stopped).rejects.toBe(reason);
      expect(stages).toHaveLength(2);
      expect(stages[0]![0]).toBe(name);
      expect(stages[1]![1]).toBeGreaterThan(stages[0]![1]);
    });
  });
});

describe('options that exclude each other', () => {
  it('are refused when an explainer is made', async () => {
    const masks = {gridSize: 1, bits: [1], shifts: [0, 0]};
    await expectRefused(() => riseExplainer(model, {masks, numMasks: 3}), TypeError, /masks cannot be combined with numMasks/);
    await expectRefused(() => smoothGradExplainer(model, {variant: 'squared', reduce: 'signed-sum'}), RangeError, /reduce must be one of/);
  });
});

describe('masks of another program', () => {
  const good = {gridSize: 2, bits: [1, 0, 0, 1], shifts: [0, 0]};
  const bad: [string, unknown, typeof TypeError | typeof RangeError, RegExp][] = [
    ['nothing', null, TypeError, /must be \{gridSize, bits, shifts\}, but is null/],
    ['a promise', Promise.resolve(good), TypeError, /must be \{gridSize, bits, shifts\}, but is a promise/],
    ['no lists', {...good, bits: null, shifts: null}, TypeError, /must be \{gridSize, bits, shifts\}/],
    ['no shifts', {...good, shifts: null}, TypeError, /must be \{gridSize, bits, shifts\}/],
    ['texts', {...good, bits: 'abcd', shifts: 'ab'}, TypeError, /must be \{gridSize, bits, shifts\}/],
    ['no grid size', {...good, gridSize: null}, TypeError, /gridSize must be a number or \[rows, columns\], but is null/],
    ['shifts that are texts', {...good, shifts: ['0', '0']}, TypeError, /shifts\[0\] must be a number, but is "0"/],
    ['a mask and a half', {...good, bits: [1, 0, 0, 1, 1, 1], shifts: [0, 0, 0]}, RangeError, /there are 6 bits and 3 shifts/],
  ];
  it.each(bad)('are refused: %s', async (_, grids, type, message) => {
    await expectRefused(() => masksFromGrids(grids as never, [HEIGHT, WIDTH]), type, message);
    if (grids !== null) await expectRefused(() => rise(images, model, {masks: grids as never}), type, message);
  });
  it('are refused for a size that is none, and for one beyond all memory', async () => {
    await expectRefused(
      () => masksFromGrids(good, null as never),
      TypeError,
      /masksFromGrids: size must be \[height, width\], but is null/,
    );
    await expectRefused(() => masksFromGrids(good, [1e9, 1e9]), RangeError, /masksFromGrids: height · width must be at most/);
    const grids = (): unknown => drawMaskGrids([8000, 8000], {numMasks: 1e7, gridSize: 8000});
    await expectRefused(grids, RangeError, /drawMaskGrids: numMasks must be at most 10 where a mask has 64000000 cells, but is 10000000/);
  });
});

describe('sizes and numbers beyond reason', () => {
  it('are refused at once', async () => {
    await expectRefused(() => randomMap({width: 1e9, height: 5}), RangeError, /^randomMap: height · width must be at most 67108864 pixels/);
    await expectRefused(() => randomMap({width: NaN, height: 5}), RangeError, /^randomMap: width must be a whole number/);
    await expectRefused(() => randomMap({width: 5, height: 5, sead: 2} as never), TypeError, /Did you mean 'seed'/);
    const picture = {data: new Uint8Array(48), height: 4, width: 4};
    await expectRefused(
      () => slic(picture, {compactness: 5e-324}),
      RangeError,
      /^slic: compactness must be a finite number of at least 0.000001/,
    );
  });
});

describe('limeMask', () => {
  it('refuses what is no map of lime, and says how to take one of several', async () => {
    const segments = {labels: Int32Array.of(0, 1), height: 1, width: 2, numSegments: 2};
    expect([...limeMask({segments, coefficients: [[1, 0.5]]})]).toEqual([0, 1]);
    for (const wrong of [null, 3, Promise.resolve(), {}, {segments}, {segments, coefficients: [null]}, {segments, coefficients: [[1]]}]) {
      await expectRefused(() => limeMask(wrong as never), TypeError, /^limeMask: map must be a map of lime\(\)/);
    }
    const noCount = {segments: {...segments, numSegments: undefined}, coefficients: [[1, 0.5]]};
    await expectRefused(() => limeMask(noCount as never), TypeError, /^limeMask: map must be a map of lime\(\)/);
    await expectRefused(() => limeMask([{}] as never), TypeError, /take one of them/);
  });
});

describe('what has no gradient', () => {
  const graph = {predict: (): unknown => zeros([1, 3])};
  const score = (): Tensor2D => zeros([1, 3]) as Tensor2D;
  it.each(['gradCam', 'classActivationMap', 'gradientSaliency', 'smoothGrad'])('is refused by name: %s', async (name) => {
    const {explain} = methods[name]!;
    await expectNoLeak(async () => {
      await expect(explain(images, graph)).rejects.toThrow(
        new RegExp(`^${name}: this GraphModel does not let its graph be read, so it has no layers and no gradients`),
      );
      await expect(explain(images, score)).rejects.toThrow(new RegExp(`^${name}: a score function has no gradients`));
    });
  });
});

describe('random maps', () => {
  it('differ from image to image, though class and seed are the same', async () => {
    const twice = [0, 0].map((index) => slice(images, [index, 0, 0, 0], [1, -1, -1, -1]));
    const [first, second] = await randomExplainer(model).explain(twice, {target: 1, seed: 4});
    expect(second!.data).not.toEqual(first!.data);
    expect(second!.score).toBe(first!.score);
    for (const image of twice) image.dispose();
  });

  it('are the same for every batch size, by class and seed', async () => {
    const explainer = randomExplainer(model);
    const whole = await explainer.explain(images, {target: [0, 1], seed: 4});
    for (const batchSize of [1, 2]) {
      const parts = await explainer.explain(images, {target: [0, 1], seed: 4, batchSize});
      expect(parts.map(({data}) => data)).toEqual(whole.map(({data}) => data));
    }
    expect(whole[1]!.data).not.toEqual(whole[0]!.data);
    expect((await explainer.explain(images, {target: 0, seed: 5}))[0]!.data).not.toEqual(whole[0]!.data);
  });

  it('take the value of a function of the logits for their score', async () => {
    const second = (scores: Tensor2D): Tensor1D => reshape(slice(scores, [0, 1], [-1, 1]), [-1]);
    const three = (batch: Tensor4D): Tensor2D => tensor2d(Array.from({length: batch.shape[0]}, () => [0.25, 0.75, 0]));
    const [map] = await randomExplainer(three).explain(images, {target: second});
    expect(map).toMatchObject({target: -1, score: 0.75, options: {target: 'function'}});
  });
});
