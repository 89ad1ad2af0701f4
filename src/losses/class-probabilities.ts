/** What logits mean: classes of which one is right, or classes each of which may be there or not. */
import {add, exp, logSoftmax, neg, sigmoid, softmax, softplus, sub, tidy, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import type {ClassKind} from '../core/types.js';
import {expectation} from './_expectation.js';
import {sameShape} from './_same-shape.js';
import {klDivergence} from './kl-divergence.js';

/** The probability of each class `[N,K]`: rows that sum to 1, or one by one; the caller's. */
export function classProbabilities(logits: Tensor2D, kind: ClassKind): Tensor2D {
  return kind === 'independent' ? sigmoid(logits) : softmax(logits);
}

/** Their logarithms, without a log of 0; the caller's. */
export function logClassProbabilities(logits: Tensor2D, kind: ClassKind): Tensor2D {
  return kind === 'independent' ? logSigmoid(logits) : (logSoftmax(logits, -1) as Tensor2D);
}

/**
 * The divergence for classes that do not exclude each other: the sum over the classes of the Kullback–Leibler divergences
 * of "there" and "not there", per sample.
 *
 * @param targetLogits `[N,K]`, of sigmoids.
 * @param logits `[N,K]`.
 * @returns `[N]`, at least 0 but for rounding; the caller's. Differentiable with respect to both.
 * @throws {TypeError} If an argument is no tensor.
 * @throws {RangeError} If the shapes differ.
 */
export function binaryDivergence(targetLogits: Tensor2D, logits: Tensor2D): Tensor1D {
  sameShape('binaryDivergence', {targetLogits, logits});
  return tidy(() => {
    const side = (target: Tensor2D, other: Tensor2D): Tensor1D => {
      const logTarget = logSigmoid(target);
      return expectation(exp(logTarget), sub(logTarget, logSigmoid(other)));
    };
    return add(side(targetLogits, logits), side(neg(targetLogits), neg(logits)));
  });
}

/** The divergence of logits of a kind from others. */
export function divergenceOf(kind: ClassKind, targetLogits: Tensor2D, logits: Tensor2D): Tensor1D {
  return kind === 'independent' ? binaryDivergence(targetLogits, logits) : klDivergence(targetLogits, logits);
}

/** Not tfjs' own, whose gradient reads its input after that was freed. */
function logSigmoid(x: Tensor2D): Tensor2D {
  return tidy(() => neg<Tensor2D>(softplus(neg(x))));
}
