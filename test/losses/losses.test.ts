import {
  grads,
  mean,
  memory,
  mul,
  ones,
  sum,
  tensor,
  tensor2d,
  tidy,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {finiteLogits} from '../../src/losses/finite-logits.js';
import {classLogits, combineLosses, distillationLoss, explanationLoss, klDivergence, sparsityWeight} from '../../src/losses/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {golden, type GoldenArray} from '../helpers/golden.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {read, readAll} from '../helpers/read.js';

interface KdCase extends Record<
  'student_logits' | 'teacher_logits' | 'onehot' | 'soft' | 'hard' | 'kd' | 'grad_student_of_mean',
  GoldenArray
> {
  name: string;
  alpha: number;
  t: number;
  kd_mean: number;
}

interface ExplanationCase extends Record<
  'original_logits' | 'masked_logits' | 'mask' | 'fidelity' | 'area' | 'explanation' | 'grad_masked_logits_of_mean' | 'grad_mask_of_mean',
  GoldenArray
> {
  name: string;
  lambda: number;
  explanation_mean: number;
}

const toTensor = ({values, shape}: GoldenArray): Tensor => tensor(Float32Array.from(values), shape);
const families = await golden<{kd_cases: KdCase[]; explanation_cases: ExplanationCase[]}>('losses');
const values = {abs: 1e-5, rel: 2e-5};
const gradients = {abs: 2e-6, rel: 2e-5};

describe('the distillation loss against the reference', () => {
  for (const each of families.kd_cases) {
    it(each.name, async () => {
      const actual = await readAll(() => {
        const [student, teacher, labels] = [each.student_logits, each.teacher_logits, each.onehot].map(toTensor) as [
          Tensor2D,
          Tensor2D,
          Tensor2D,
        ];
        const options = {alpha: each.alpha, temperature: each.t};
        const [gradient] = grads((logits: Tensor) => mean(distillationLoss(logits as Tensor2D, teacher, labels, options).total))([student]);
        return {...distillationLoss(student, teacher, labels, options), gradient: gradient!};
      });
      expectClose(actual.soft, each.soft.values, values, 'soft');
      expectClose(actual.hard, each.hard.values, values, 'hard');
      expectClose(actual.total, each.kd.values, values, 'total');
      expectClose(actual.gradient, each.grad_student_of_mean.values, gradients, 'gradient');
    });
  }
});

describe('the explanation loss against the reference', () => {
  for (const each of families.explanation_cases) {
    it(each.name, async () => {
      const actual = await readAll(() => {
        const [original, masked] = [each.original_logits, each.masked_logits].map(toTensor) as [Tensor2D, Tensor2D];
        const mask = toTensor(each.mask) as Tensor4D;
        const options = {lambda: each.lambda, lambdaRule: 'as-given'} as const;
        const total = (logits: Tensor, map: Tensor): Tensor =>
          mean(explanationLoss(original, logits as Tensor2D, map as Tensor4D, options).total);
        const [ofLogits, ofMask] = grads(total as never)([masked, mask]) as [Tensor, Tensor];
        return {...explanationLoss(original, masked, mask, options), ofLogits, ofMask};
      });
      expectClose(actual.fidelity, each.fidelity.values, values, 'fidelity');
      expectClose(actual.area, each.area.values, values, 'area');
      expectClose(actual.total, each.explanation.values, values, 'total');
      expectClose(actual.ofLogits, each.grad_masked_logits_of_mean.values, gradients, 'gradient of logits');
      expectClose(actual.ofMask, each.grad_mask_of_mean.values, gradients, 'gradient of the map');
    });
  }
});

describe('the losses', () => {
  it('are finite, and so are their gradients, for logits of ±60', async () => {
    const actual = await readAll(() => {
      const student = tensor2d([
        [60, -60, 0],
        [-60, 60, 60],
      ]);
      const teacher = tensor2d([
        [-60, 60, 0],
        [60, -60, -60],
      ]);
      const labels = tensor2d([
        [0, 1, 0],
        [1, 0, 0],
      ]);
      const [gradient] = grads((logits: Tensor) => mean(distillationLoss(logits as Tensor2D, teacher, labels).total))([student]);
      return {...distillationLoss(student, teacher, labels), gradient: gradient!};
    });
    for (const [name, each] of Object.entries(actual)) expect(each.every(Number.isFinite), name).toBe(true);
    expectClose(actual.soft, [120, 120 + Math.log(2)], {rel: 1e-5});
  });

  it('have gradients that agree with differences', async () => {
    const teacher = tensor2d([
      [1, 2, -1],
      [0, 0.5, 1],
    ]);
    const student = tensor2d([
      [0.5, -1, 1],
      [2, 0, 1],
    ]);
    await expectGradient((x) => mean(klDivergence(teacher, x as Tensor2D)), student, {step: 1e-2, abs: 1e-4});
    await expectGradient((x) => mean(klDivergence(x as Tensor2D, student)), teacher, {step: 1e-2, abs: 1e-4});
    for (const each of [teacher, student]) each.dispose();
  });

  it('λ means the same at every resolution unless it is taken as given', async () => {
    expect(sparsityWeight(1e-5, 224, 224)).toBeCloseTo(1e-5, 12);
    const weight = sparsityWeight(1e-5, 32, 48);
    expect(weight * 32 * 48).toBeCloseTo(1e-5 * 224 * 224, 9);
    expect(sparsityWeight(1e-5, 32, 48, 'as-given')).toBe(1e-5);
    const total = await read(() => {
      const logits = tensor2d([[1, 2]]);
      return explanationLoss(logits, logits, ones([1, 8, 16, 1])).total;
    });
    expectClose(total, [0.50176], {abs: 1e-6});
  });

  it('report every part by name and its weight in the total', async () => {
    const {total, ...parts} = await readAll(() => {
      const combined = combineLosses({
        a: {values: tensor([1, 3])},
        b: {values: tensor(5), weight: 0.5},
        c: {values: tensor([7]), weight: 0},
      });
      return {total: combined.total, ...combined.parts};
    });
    expect(total[0]).toBeCloseTo(4.5, 6);
    expect(Object.fromEntries(Object.entries<Float32Array>(parts).map(([name, [part]]) => [name, part]))).toEqual({a: 2, b: 5, c: 7});
  });

  it('take one sigmoid logit as two classes', async () => {
    expect([...(await read(() => classLogits(tensor2d([[2], [-3]]))))]).toEqual([0, 2, 0, -3]);
  });

  it('refuse shapes that differ, showing each', () => {
    const before = memory().numTensors;
    tidy(() => {
      const [two, three] = [tensor2d([[1, 2]]), tensor2d([[1, 2, 3]])];
      expect(() => klDivergence(two, three)).toThrow(/^klDivergence: logits must .* targetLogits \[1, 2\], logits \[1, 3\]/);
      expect(() => distillationLoss(two, two, three)).toThrow(/^distillationLoss: logits must .* oneHotLabels \[1, 3\]/);
      expect(() => explanationLoss(two, three, ones([1, 4, 4, 1]))).toThrow(/^explanationLoss: logits must .* maskedLogits \[1, 3\]/);
      expect(() => explanationLoss(two, two, ones([2, 4, 4, 1]))).toThrow(
        'explanationLoss: saliency must have shape [1, ?, ?, 1], but has [2, 4, 4, 1].',
      );
      expect(() => classLogits(tensor([1, 2]) as never)).toThrow('classLogits: logits must have shape [?, ?], but has [2].');
    });
    expect(memory().numTensors).toBe(before);
  });

  it('refuse what is no tensor, and options that they do not know, naming both', () => {
    tidy(() => {
      const logits = tensor2d([[1, 2]]);
      const gone = tensor2d([[1, 2]]);
      gone.dispose();
      const refusals: [() => unknown, new (message: string) => Error, string][] = [
        [() => klDivergence([[1, 2]] as never, logits), TypeError, 'klDivergence: targetLogits must be a tensor, but is [[1, 2]].'],
        [() => klDivergence(logits, gone), TypeError, 'klDivergence: logits must be a tensor, but is a disposed Tensor of shape [1, 2].'],
        [
          () => distillationLoss(logits, null as never, logits),
          TypeError,
          'distillationLoss: teacherLogits must be a tensor, but is null.',
        ],
        [
          () => explanationLoss(logits, logits, Promise.resolve() as never),
          TypeError,
          'explanationLoss: saliency must be a tensor, but is a promise (await it first).',
        ],
        [() => classLogits(undefined as never), TypeError, 'classLogits: logits must be a tensor, but is undefined.'],
        [
          () => distillationLoss(logits, logits, logits, {alpha: 2}),
          RangeError,
          'distillationLoss: alpha must be a finite number from 0 to 1, but is 2.',
        ],
        [
          () => distillationLoss(logits, logits, logits, {temperature: 0}),
          RangeError,
          'distillationLoss: temperature must be a finite number above 0, but is 0.',
        ],
        [
          () => distillationLoss(logits, logits, logits, {temprature: 1} as never),
          TypeError,
          "distillationLoss: there is no option 'temprature'. Did you mean 'temperature'?",
        ],
        [
          () => explanationLoss(logits, logits, ones([1, 2, 2, 1]), {lambda: '1' as never}),
          TypeError,
          'explanationLoss: lambda must be a finite number of at least 0, but is "1".',
        ],
        [() => sparsityWeight(-1, 4, 4), RangeError, 'sparsityWeight: lambda must be a finite number of at least 0, but is -1.'],
        [() => sparsityWeight(1, 0, 4), RangeError, 'sparsityWeight: height must be a whole number of at least 1, but is 0.'],
        [
          () => combineLosses({}),
          RangeError,
          'combineLosses: losses must be an object {name: {values, weight}} of at least one loss, but is empty.',
        ],
        [
          () => combineLosses({a: {values: gone}}),
          TypeError,
          'combineLosses: losses.a.values must be a tensor, but is a disposed Tensor of shape [1, 2].',
        ],
        [
          () => combineLosses({a: {values: logits, weight: NaN}}),
          RangeError,
          'combineLosses: losses.a.weight must be a finite number, but is NaN.',
        ],
        [
          () => combineLosses({a: {values: logits, wieght: 2} as never}),
          TypeError,
          "combineLosses: there is no option 'losses.a.wieght'. Did you mean 'weight'?",
        ],
      ];
      for (const [call, kind, message] of refusals) {
        expect(call).toThrow(kind);
        expect(call).toThrow(message);
      }
    });
  });

  it('count what has the probability 0 for nothing: 0 · log 0 is 0', async () => {
    const logs = (...rows: number[][]): Tensor2D => tensor2d(rows.map((row) => row.map(Math.log)));
    const {certain, same, ofQ, ofP, hard} = await readAll(() => {
      const [p, q] = [logs([1, 0, 0], [0.5, 0.5, 0]), logs([0.5, 0.25, 0.25], [0.25, 0.75, 0])];
      const [first, second] = grads((a: Tensor, b: Tensor) => sum(klDivergence(a as Tensor2D, b as Tensor2D)))([p, q]) as [Tensor, Tensor];
      const labels = tensor2d([
        [1, 0, 0],
        [0, 1, 0],
      ]);
      return {certain: klDivergence(p, q), same: klDivergence(p, p), ofP: first, ofQ: second, hard: distillationLoss(q, p, labels).hard};
    });
    expectClose(certain, [Math.LN2, 0.5 * Math.LN2 + 0.5 * Math.log(2 / 3)], {abs: 1e-6});
    expectClose(same, [0, 0], {abs: 1e-7});
    // With respect to the logits of q it is q − p; to those of p, p · (log p/q − KL).
    expectClose(ofQ, [-0.5, 0.25, 0.25, -0.25, 0.25, 0], {abs: 1e-6});
    const ratio = Math.log(3) / 4;
    expectClose(ofP, [0, 0, 0, ratio, -ratio, 0], {abs: 1e-6});
    expectClose(hard, [Math.LN2, -Math.log(0.75)], {abs: 1e-6});
  });

  it('are infinite where one distribution rules out what the other allows, with a finite slope', async () => {
    const {divergence, slope} = await readAll(() => {
      const [p, q] = [tensor2d([[0, 0]]), tensor2d([[0, -Infinity]])];
      const [, ofQ] = grads((a: Tensor, b: Tensor) => sum(klDivergence(a as Tensor2D, b as Tensor2D)))([p, q]) as [Tensor, Tensor];
      return {divergence: klDivergence(p, q), slope: ofQ};
    });
    expect([...divergence]).toEqual([Infinity]);
    expectClose(slope, [0.5, -0.5], {abs: 1e-6});
  });

  it('let NaN through', async () => {
    expect([...(await read(() => klDivergence(tensor2d([[NaN, 0]]), tensor2d([[0, 0]]))))]).toEqual([NaN]);
    expect([...(await read(() => finiteLogits(tensor2d([[NaN, 1]]))))]).toEqual([NaN, 1]);
  });

  it('in training, a class that is ruled out has the smallest probability there is', async () => {
    const {logits, slope} = await readAll(() => {
      const x = tensor2d([
        [2, -Infinity, -1000],
        [0, 1, 2],
      ]);
      const weights = tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      return {logits: finiteLogits(x), slope: grads((each: Tensor) => sum(mul(finiteLogits(each as Tensor2D), weights)))([x])[0]!};
    });
    expectClose(logits, [2, 2 - 87.3, -1000, 0, 1, 2], {abs: 1e-5});
    expect([...slope]).toEqual([1, 0, 3, 4, 5, 6]);
  });

  it('leave nothing behind but their results', () =>
    expectNoLeak(() => {
      const logits = tensor2d([
        [1, 2],
        [3, 1],
      ]);
      const loss = distillationLoss(logits, logits, logits);
      for (const part of [loss.soft, loss.hard, loss.total, logits]) part.dispose();
    }));
});
