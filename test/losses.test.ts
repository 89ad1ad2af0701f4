import {grads, mean, memory, ones, tensor, tensor2d, tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {classLogits, combineLosses, distillationLoss, explanationLoss, klDivergence, sparsityWeight} from '../src/losses/index.js';
import {expectClose, expectNoLeak} from './helpers/expect.js';
import {golden, type GoldenArray} from './helpers/golden.js';
import {expectGradient} from './helpers/gradient-check.js';

interface KdCase extends Record<'student_logits' | 'teacher_logits' | 'onehot' | 'soft' | 'hard' | 'kd' | 'grad_student_of_mean', GoldenArray> {
  name: string;
  alpha: number;
  t: number;
  kd_mean: number;
}

interface ExplanationCase
  extends Record<'original_logits' | 'masked_logits' | 'mask' | 'fidelity' | 'area' | 'explanation' | 'grad_masked_logits_of_mean' | 'grad_mask_of_mean', GoldenArray> {
  name: string;
  lambda: number;
  explanation_mean: number;
}

const toTensor = ({values, shape}: GoldenArray): Tensor => tensor(Float32Array.from(values), shape);
const families = golden<{kd_cases: KdCase[]; explanation_cases: ExplanationCase[]}>('losses');
const values = {abs: 1e-5, rel: 2e-5};
const gradients = {abs: 2e-6, rel: 2e-5};

describe('the distillation loss against the reference', () => {
  for (const each of families.kd_cases) {
    it(each.name, () => tidy(() => {
      const [student, teacher, labels] = [each.student_logits, each.teacher_logits, each.onehot].map(toTensor) as [Tensor2D, Tensor2D, Tensor2D];
      const options = {alpha: each.alpha, temperature: each.t};
      const loss = distillationLoss(student, teacher, labels, options);
      expectClose(loss.soft.dataSync(), each.soft.values, values, 'soft');
      expectClose(loss.hard.dataSync(), each.hard.values, values, 'hard');
      expectClose(loss.total.dataSync(), each.kd.values, values, 'total');
      const [gradient] = grads((logits: Tensor) => mean(distillationLoss(logits as Tensor2D, teacher, labels, options).total))([student]);
      expectClose(gradient!.dataSync(), each.grad_student_of_mean.values, gradients, 'gradient');
    }));
  }
});

describe('the explanation loss against the reference', () => {
  for (const each of families.explanation_cases) {
    it(each.name, () => tidy(() => {
      const [original, masked] = [each.original_logits, each.masked_logits].map(toTensor) as [Tensor2D, Tensor2D];
      const mask = toTensor(each.mask) as Tensor4D;
      const options = {lambda: each.lambda, lambdaRule: 'as-given'} as const;
      const loss = explanationLoss(original, masked, mask, options);
      expectClose(loss.fidelity.dataSync(), each.fidelity.values, values, 'fidelity');
      expectClose(loss.area.dataSync(), each.area.values, values, 'area');
      expectClose(loss.total.dataSync(), each.explanation.values, values, 'total');
      const total = (logits: Tensor, map: Tensor): Tensor => mean(explanationLoss(original, logits as Tensor2D, map as Tensor4D, options).total);
      const [ofLogits, ofMask] = grads(total as never)([masked, mask]) as [Tensor, Tensor];
      expectClose(ofLogits.dataSync(), each.grad_masked_logits_of_mean.values, gradients, 'gradient of logits');
      expectClose(ofMask.dataSync(), each.grad_mask_of_mean.values, gradients, 'gradient of the map');
    }));
  }
});

describe('the losses', () => {
  it('are finite, and so are their gradients, for logits of ±60', () => tidy(() => {
    const student = tensor2d([[60, -60, 0], [-60, 60, 60]]);
    const teacher = tensor2d([[-60, 60, 0], [60, -60, -60]]);
    const labels = tensor2d([[0, 1, 0], [1, 0, 0]]);
    const {soft, hard, total} = distillationLoss(student, teacher, labels);
    const [gradient] = grads((logits: Tensor) => mean(distillationLoss(logits as Tensor2D, teacher, labels).total))([student]);
    for (const each of [soft, hard, total, gradient!]) expect([...each.dataSync()].every(Number.isFinite)).toBe(true);
    expectClose(soft.dataSync(), [120, 120 + Math.log(2)], {rel: 1e-5});
  }));

  it('have gradients that agree with differences', () => tidy(() => {
    const teacher = tensor2d([[1, 2, -1], [0, 0.5, 1]]);
    const student = tensor2d([[0.5, -1, 1], [2, 0, 1]]);
    expectGradient((x) => mean(klDivergence(teacher, x as Tensor2D)), student, {step: 1e-2, abs: 1e-4});
    expectGradient((x) => mean(klDivergence(x as Tensor2D, student)), teacher, {step: 1e-2, abs: 1e-4});
  }));

  it('λ means the same at every resolution unless it is taken as given', () => {
    expect(sparsityWeight(1e-5, 224, 224)).toBeCloseTo(1e-5, 12);
    const weight = sparsityWeight(1e-5, 32, 48);
    expect(weight * 32 * 48).toBeCloseTo(1e-5 * 224 * 224, 9);
    expect(sparsityWeight(1e-5, 32, 48, 'as-given')).toBe(1e-5);
    tidy(() => {
      const logits = tensor2d([[1, 2]]);
      expectClose(explanationLoss(logits, logits, ones([1, 8, 16, 1])).total.dataSync(), [0.50176], {abs: 1e-6});
    });
  });

  it('report every part by name and its weight in the total', () => tidy(() => {
    const {total, parts} = combineLosses({a: {values: tensor([1, 3])}, b: {values: tensor(5), weight: 0.5}, c: {values: tensor([7]), weight: 0}});
    expect(total.dataSync()[0]).toBeCloseTo(4.5, 6);
    expect(Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.dataSync()[0]]))).toEqual({a: 2, b: 5, c: 7});
  }));

  it('take one sigmoid logit as two classes', () => tidy(() => {
    const two = classLogits(tensor2d([[2], [-3]]));
    expect([...two.dataSync()]).toEqual([0, 2, 0, -3]);
  }));

  it('refuse shapes that differ, showing each', () => {
    const before = memory().numTensors;
    tidy(() => {
      expect(() => klDivergence(tensor2d([[1, 2]]), tensor2d([[1, 2, 3]]))).toThrow(/targetLogits \[1, 2\], logits \[1, 3\]/);
      expect(() => distillationLoss(tensor2d([[1]]), tensor2d([[1]]), tensor2d([[1]]), {alpha: 2})).toThrow(/alpha must be a finite number from 0 to 1/);
      expect(() => combineLosses({})).toThrow(/at least one/);
    });
    expect(memory().numTensors).toBe(before);
  });

  it('leave nothing behind but their results', () => expectNoLeak(() => {
    const logits = tensor2d([[1, 2], [3, 1]]);
    const loss = distillationLoss(logits, logits, logits);
    for (const part of [loss.soft, loss.hard, loss.total, logits]) part.dispose();
  }));
});
