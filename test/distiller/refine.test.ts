/** Maps refined on their own image: judged by draws that the refining did not see, in a world whose truth is known. */
import '../helpers/use-wasm.js';
import {
  abs,
  add,
  concat,
  max,
  mean,
  mul,
  ones,
  reshape,
  sub,
  sum,
  tensor4d,
  tidy,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import {Random} from '../../src/core/random.js';
import {refineMaps} from '../../src/distiller/explain/refine-maps.js';
import {stratifiedPlaces} from '../../src/distiller/explain/stratified-places.js';
import {
  AttentiveDistiller,
  paperMethod,
  NonFiniteLossError,
  residualStudent,
  teacherFromLayersModel,
  type ExplainOptions,
  type Progress,
  type SaliencyMap,
  type Teacher,
} from '../../src/index.js';
import {classLogits, rankingLoss, rankingMask, standardizeMap} from '../../src/losses/index.js';
import {evidenceShare} from '../../src/metrics/index.js';
import {baselineKinds, randomBaselines} from '../../src/queries/random-baselines.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, WIDTH, onPatch, patchBatch, patchImage, patchTeacher} from '../helpers/patch-world.js';

const COUNT = 5;
let model: LayersModel;
let teacher: Teacher;
let images: Tensor4D;
let labels: number[];
let distiller: AttentiveDistiller;

beforeAll(async () => {
  model = patchTeacher();
  teacher = teacherFromLayersModel(model);
  ({images, labels} = patchBatch(300, COUNT));
  // Untrained: there is all the more to improve.
  distiller = await AttentiveDistiller.create({teacher: model, guidance: 'attended', objective: 'ranking', seed: 7});
  await distiller.explain(images); // What is compiled once stays.
});
afterAll(() => {
  for (const each of [model, images, distiller]) each.dispose();
});

const meanOf = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
const valuesOf = (maps: readonly SaliencyMap[]): Float32Array[] => maps.map(({data}) => data);

/** How many times more of a map than chance lies on the patch of its image. */
function share(map: SaliencyMap, index: number): number {
  return evidenceShare(
    map,
    Uint8Array.from(map.data, (_, pixel) => Number(onPatch(patchImage(index), pixel))),
  ).ratio;
}

/** The ranking loss of each map, over draws from another seed than any that refines. */
function judged(maps: readonly SaliencyMap[], scorer: Teacher = teacher, of: Tensor4D = images): number[] {
  const total = tidy(() => {
    const map = tensor4d(Float32Array.from(maps.flatMap(({data}) => [...data])), [maps.length, HEIGHT, WIDTH, 1]);
    const losses = Array.from({length: 24}, (_, draw) => {
      const shown = rankingMask(map, {seed: 9000 + draw});
      const [behind, instead] = randomBaselines(of, baselineKinds, new Random(5000 + draw), 2) as [Tensor4D, Tensor4D];
      const hidden = sub<Tensor4D>(1, shown);
      const logits = (masked: Tensor4D): Tensor2D => classLogits(scorer.logits(masked));
      const inserted = logits(add<Tensor4D>(mul(of, shown), mul(behind, hidden)));
      const deleted = logits(add<Tensor4D>(mul(of, hidden), mul(instead, shown)));
      return rankingLoss(
        inserted,
        deleted,
        maps.map(({target}) => target),
      ).total;
    });
    return losses.reduce((all, each) => add(all, each)).arraySync();
  });
  return total.map((value) => value / 24);
}

describe('a refined map', () => {
  it('ranks better by a judge that draws otherwise, lies on the patch, and is a map as any other', async () => {
    const [plain, refined] = [await distiller.explain(images), await distiller.explain(images, {refine: 40})];
    const [before, after] = [judged(plain), judged(refined)];
    expect(meanOf(after)).toBeLessThan(meanOf(before) - 0.2);
    // Noise may have ranked an image as well by chance.
    after.forEach((loss, image) => expect(loss).toBeLessThan(before[image]! + 0.05));
    const shares = (maps: readonly SaliencyMap[]): number => meanOf(maps.map((map, index) => share(map, 300 + index)));
    expect(shares(refined)).toBeGreaterThan(shares(plain) + 1);
    refined.forEach(({data, height, width, target, empty}, index) => {
      expect([height, width, target, empty]).toEqual([HEIGHT, WIDTH, plain[index]!.target, false]);
      expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(meanOf(data)).toBeLessThan(0.3);
    });
    expect(refined.map(({score}) => score)).toEqual(plain.map(({score}) => score));
  });

  it('follows the image more closely on a finer grid, and is moved as a whole on none', async () => {
    const [plain, coarse] = [await distiller.explain(images), await distiller.explain(images, {refine: 3, refineSize: 1})];
    // One number for the whole map, which standardising takes away.
    coarse.forEach(({data}, image) => expectClose(data, plain[image]!.data, {abs: 1e-3}, 'one cell'));
    const [coarser, finer] = [
      await distiller.explain(images, {refine: 60, refineSize: 2}),
      await distiller.explain(images, {refine: 60, refineSize: 1024}),
    ];
    expect(meanOf(judged(finer))).toBeLessThan(meanOf(judged(coarser)) - 0.05);
  });

  it('is the plain one bit for bit after no step, and says which options made it', async () => {
    const plain = await distiller.explain(images, {batchSize: 2});
    const none = await distiller.explain(images, {batchSize: 2, refine: 0, refineSize: 4, seed: 3});
    expect(none).toEqual(plain);
    expect(plain[0]!.seed).toBe(7);
    expect(plain[0]!.options).not.toHaveProperty('refine');
    const [own] = await distiller.explain(images, {refine: 1});
    expect(own!.seed).toBe(7);
    expect(own!.options).toMatchObject({refine: 1, refineSize: 16, seed: 7, target: 'argmax'});
    const [given] = await distiller.explain(images, {refine: 2, refineSize: 4, seed: 3});
    expect(given!.seed).toBe(3);
    expect(given!.options).toMatchObject({refine: 2, refineSize: 4, seed: 3});
  });

  it('is the same for the same seed, whatever the batch size and whatever else is explained', async () => {
    const options = {refine: 4, seed: 11};
    const classes = labels.map((label) => (label + 1) % 3);
    const all = valuesOf(await distiller.explain(images, {...options, target: {perImage: classes}}));
    expect(valuesOf(await distiller.explain(images, {...options, target: {perImage: classes}}))).toEqual(all);
    for (const batchSize of [1, 2]) {
      const some = valuesOf(await distiller.explain(images, {...options, target: {perImage: classes}, batchSize}));
      some.forEach((data, image) => expectClose(data, all[image]!, {abs: 5e-3}, `batch ${batchSize}`));
    }
    const each = valuesOf(await distiller.explain(images, {...options, target: [0, 1, 2], batchSize: 3}));
    classes.forEach((target, image) => expectClose(each[3 * image + target]!, all[image]!, {abs: 5e-3}, 'in a list'));
    const other = valuesOf(await distiller.explain(images, {...options, target: {perImage: classes}, seed: 12}));
    expect(Math.max(...other[0]!.map((value, pixel) => Math.abs(value - all[0]![pixel]!)))).toBeGreaterThan(0.02);
  });

  it('has its own class without guidance, and a side of a teacher with one output', async () => {
    // Positive where there is much red.
    const red: Teacher = {
      name: 'red',
      inputShape: [HEIGHT, WIDTH, 3],
      numClasses: 1,
      logits: (given) =>
        tidy(() => {
          const amount = mean(mul(given, tensor4d([1, 0, 0], [1, 1, 1, 3])), [1, 2, 3], false);
          return reshape(sub(mul(amount, 300), 5), [-1, 1]) as Tensor2D;
        }),
    };
    const index = Array.from({length: 40}, (_, at) => at).find((at) => patchImage(at).label === 0)!;
    const {images: one} = patchBatch(index, 1);
    const made = await AttentiveDistiller.create({
      teacher: red,
      student: residualStudent({depth: 18, width: 4}),
      guidance: 'none',
      objective: 'ranking',
      seed: 1,
    });
    const sides: SaliencyMap[][] = [];
    await expectNoLeak(async () => {
      for (const positive of [true, false]) {
        const options: ExplainOptions = {target: {kind: 'binary', positive}, compile: false};
        const [before, after] = [await made.explain(one, options), await made.explain(one, {...options, refine: 10})];
        expect(judged(after, red, one)[0]).toBeLessThan(judged(before, red, one)[0]! - 0.1);
        sides.push(after);
      }
    });
    const [[yes], [no]] = sides as [[SaliencyMap], [SaliencyMap]];
    expect(share(yes, index)).toBeGreaterThan(share(no, index) + 1);
    made.dispose();
    one.dispose();
  });
});

describe('refining', () => {
  it('says how far it is, step by step, and lets timers run between steps', async () => {
    const seen: Progress[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await distiller.explain(images, {refine: 3, batchSize: 3, target: [0, 1], onProgress: (progress) => seen.push(progress)});
    clearInterval(timer);
    const steps = (from: number, to: number): Progress[] =>
      Array.from({length: to - from + 1}, (_, at) => ({stage: 'refine', done: from + at, total: 12}));
    expect(seen).toEqual([...steps(1, 6), {stage: 'explain', done: 3, total: 5}, ...steps(7, 12), {stage: 'explain', done: 5, total: 5}]);
    expect(ticks).toBeGreaterThan(4);
  });

  it('stops between two steps, and frees everything however it ends', () =>
    expectNoLeak(async () => {
      await distiller.explain(images, {refine: 2, target: [1, 0], batchSize: 2});
      for (const last of [2, 7]) {
        const stop = new AbortController();
        let steps = 0;
        const onProgress = ({stage, done}: Progress): void => {
          steps += Number(stage === 'refine');
          if (stage === 'refine' && done === last) stop.abort(new Error('enough'));
        };
        await expect(distiller.explain(images, {refine: 5, target: [0, 1], signal: stop.signal, onProgress})).rejects.toThrow('enough');
        expect(steps).toBe(last);
      }
      const onProgress = (): void => {
        throw new Error('of my own');
      };
      await expect(distiller.explain(images, {refine: 5, onProgress})).rejects.toThrow('of my own');
      expect(images.isDisposed).toBe(false);
    }));

  it.each<[string, (logits: Tensor2D) => Tensor2D, RegExp]>([
    ['is not finite', (logits) => mul(logits, NaN), /^explain: refining diverged at step 1: the gradient of the teacher's probability/],
    [
      'throws',
      () => {
        throw new Error('no answer');
      },
      /no answer/,
    ],
  ])('rejects where what the teacher says %s', async (_, change, message) => {
    let calls = Infinity;
    const broken: Teacher = {
      ...teacher,
      model: undefined,
      logits: (given) => tidy(() => (calls-- > 0 ? teacher.logits(given) : change(teacher.logits(given)))),
    };
    const student = residualStudent({depth: 18, width: 4});
    const made = await AttentiveDistiller.create({teacher: broken, student, objective: 'ranking', seed: 1});
    await made.explain(images);
    await expectNoLeak(async () => {
      calls = 0;
      const refining = made.explain(images, {refine: 3});
      await expect(refining).rejects.toThrow(message);
      if (message.source.includes('diverged')) await expect(refining).rejects.toBeInstanceOf(NonFiniteLossError);
      // The last step's gradient, which no further step looks at.
      await expect(made.explain(images, {refine: 1})).rejects.toThrow(message);
    });
    made.dispose();
  });

  it('is refused where it cannot be', async () => {
    const fidelity = await AttentiveDistiller.create({teacher: model, ...paperMethod(), seed: 1});
    await fidelity.explain(images);
    await expectNoLeak(async () => {
      const refused = async (options: object, message: string, of: AttentiveDistiller = distiller): Promise<void> => {
        const refining = of.explain(images, {refine: 1, ...options});
        await expect(refining).rejects.toThrow(`explain: ${message}`);
        await expect(refining).rejects.toBeInstanceOf(TypeError);
      };
      await refused({}, "refine goes on with the loss of rankings, but this distiller was made with 'fidelity'.", fidelity);
      await refused({target: contrast(0, 1)}, 'refine is for the probability of a class, so target must be no function');
      await refused({score: false}, "refine asks the teacher about the student's class, so it cannot be given with score: false.");
      await refused({workers: 1}, 'refine asks the teacher, which no worker has: take workers: 0.');
      await expect(distiller.explain(images, {refine: 1001})).rejects.toThrow('explain: refine must be a whole number from 0 to 1000');
      await expect(distiller.explain(images, {refine: 1, refineSize: 0})).rejects.toThrow('explain: refineSize must be');
      await expect(distiller.explain(images, {refine: 1, seed: -1})).rejects.toThrow('explain: seed must be');
      await expect(distiller.explain(images, {refine: 1, target: 3})).rejects.toThrow('explain: target must be a whole number from 0 to 2');
    });
    fidelity.dispose();
  });
});

describe('refineMaps', () => {
  const side = 16;
  const random = new Random(3);
  const map = Float32Array.from({length: side * side}, () => random.normal());

  /** Refines the map of a white image for a class that its left half speaks for; gives how much changed, and every masked image. */
  async function refined(steps: number): Promise<{most: number; seen: Float32Array[]}> {
    const white = ones([1, side, side, 1]) as Tensor4D;
    const maps = tensor4d(map, [1, side, side, 1]);
    const half = tensor4d(
      Float32Array.from({length: side * side}, (_, pixel) => (pixel % side < side / 2 ? 0.1 : -0.1)),
      [1, side, side, 1],
    );
    const seen: Float32Array[] = [];
    const score = (masked: Tensor4D): Tensor2D => {
      seen.push(masked.dataSync<'float32'>().slice());
      const logit = reshape(sum(mul(masked, half), [1, 2, 3]), [-1, 1]) as Tensor2D;
      return concat([logit, mul(logit, -1) as Tensor2D], 1);
    };
    const batch = {images: white, targets: [0], first: 0};
    const run = {where: 'test', steps, size: side, random: new Random(5), score, kind: 'exclusive', signal: undefined} as const;
    const result = await refineMaps(maps, batch, {...run, onStep: () => undefined});
    const most = tidy(() => max(abs(sub(result, standardizeMap(maps)))).dataSync()[0]!);
    [white, maps, half, result].forEach((each) => each.dispose());
    return {most, seen};
  }

  it('takes smaller steps towards the end', async () => {
    const [one, two] = [await refined(1), await refined(2)];
    expect(one.most).toBeCloseTo(0.3, 2); // Adam's first step is its rate
    expect(two.most).toBeGreaterThan(0.31);
    expect(two.most).toBeLessThan(0.46); // and the second of two has half of it
  });

  it('cuts harder towards the end', async () => {
    const {seen} = await refined(40);
    // Before a baseline of zeros a masked white image is the mask; the others are white, or noise.
    const isMask = (values: Float32Array): boolean =>
      values.every((value) => value >= 0 && value <= 1) && values.some((value) => value < 0.5);
    const softnessOf = (some: Float32Array[]): number =>
      meanOf(some.filter(isMask).map((values) => values.filter((value) => value > 0.1 && value < 0.9).length / values.length));
    const quarter = Math.floor(seen.length / 4);
    expect(softnessOf(seen.slice(-quarter))).toBeLessThan(0.75 * softnessOf(seen.slice(0, quarter)));
  });
});

describe('stratifiedPlaces', () => {
  it('takes one level from each half of the values, by the same share of both, for each image by its index', async () => {
    const [count, size] = [64, 100];
    // Each image holds 0 … 99 in another order: a value is its rank.
    const orders = Array.from({length: count}, (_, image) => [...new Random(1).split(image).permutation(size)]);
    const maps = tensor4d(orders.flat(), [count, 10, 10, 1]);
    const [low, high] = (await stratifiedPlaces(maps, new Random(4), 0)) as [Int32Array, Int32Array];
    const rank = (places: Int32Array, image: number): number => orders[image]![places[image]! - image * size]!;
    const ranks = Array.from(low, (_, image) => rank(low, image));
    expect(Array.from(high, (_, image) => rank(high, image) - ranks[image]!)).toEqual(ranks.map(() => 50));
    expect([Math.min(...ranks) < 5, Math.max(...ranks) > 44 && Math.max(...ranks) < 50]).toEqual([true, true]);
    const later = tensor4d(orders.slice(10, 12).flat(), [2, 10, 10, 1]);
    const [ofLater] = (await stratifiedPlaces(later, new Random(4), 10)) as [Int32Array, Int32Array];
    expect([...ofLater]).toEqual([low[10]! - 10 * size, low[11]! - 10 * size]);
    for (const each of [maps, later]) each.dispose();
  });

  it('takes them from evenly spread pixels of a large map, and none where a value is not finite', () =>
    expectNoLeak(async () => {
      const size = 150 * 100; // Every third pixel, from one that is drawn.
      const large = tensor4d(
        Float32Array.from({length: size}, (_, pixel) => (pixel * 7919) % size),
        [1, 150, 100, 1],
      );
      const places: number[] = [];
      for (let seed = 0; seed < 12; seed++)
        places.push(...((await stratifiedPlaces(large, new Random(seed), 0)) ?? []).map(([place]) => place!));
      expect(new Set(places.map((place) => place % 3)).size).toBe(3);
      places.forEach((place, index) => {
        const quantile = ((place * 7919) % size) / size;
        expect(index % 2 === 0 ? quantile < 0.51 : quantile > 0.49).toBe(true);
      });
      const broken = mul<Tensor4D>(large, NaN);
      expect(await stratifiedPlaces(broken, new Random(0), 0)).toBeUndefined();
      for (const each of [large, broken]) each.dispose();
    }));
});
