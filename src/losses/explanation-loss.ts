/**
 * The explanation loss (Lee & Kim, equations 8 and 9): the masked image should give the teacher's
 * distribution back, with as little of the image as possible:
 * `KL(softmax(z(x)) ‖ softmax(z(x ⊙ H))) + λ·‖H‖₁`.
 * Equation 9 prints the student's logits as the second argument, section 3.1 says the teacher's;
 * the function takes logits, so the caller chooses.
 */
import {
  add,
  customGrad,
  mul,
  sign,
  sum,
  tidy,
  abs as absolute,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type GradSaveFunc,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {checkNumber, checkOneOf, checkSize} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import {number, oneOf, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {sameShape} from './_same-shape.js';
import {klDivergence} from './kl-divergence.js';

/** What λ refers to: the paper's 224×224 map, or the map at hand. */
export type LambdaRule = 'per-224' | 'as-given';

const lambdaRules: readonly LambdaRule[] = ['per-224', 'as-given'];

/** Options of {@link explanationLoss}. */
export interface ExplanationLossOptions {
  /** λ, the weight of the map's L1 norm, 0 or above. @default 1e-5 */
  readonly lambda?: number | undefined;
  /**
   * `'per-224'`: λ is meant for a map of 224×224 pixels and is scaled by `224²/(H·W)`, so that one
   * value means the same at every resolution. `'as-given'`: λ multiplies the sum as it is.
   * @default 'per-224'
   */
  readonly lambdaRule?: LambdaRule | undefined;
}

/** The options of {@link explanationLoss}. */
export const explanationLossSchema: OptionsSchema<Settled<ExplanationLossOptions>> = {
  where: 'explanationLoss',
  fields: {
    lambda: withDefault(number(0), 1e-5, '1e-5'),
    lambdaRule: withDefault<LambdaRule, 'per-224'>(oneOf(...lambdaRules), 'per-224'),
  },
};

/** The parts of the explanation loss, each per sample `[N]`. */
export interface ExplanationLossParts {
  /** KL of the original's distribution from the masked image's, equation 9. */
  readonly fidelity: Tensor1D;
  /** λ times the sum of |H| over the pixels. */
  readonly area: Tensor1D;
  /** `fidelity + area`, equation 8. */
  readonly total: Tensor1D;
}

/**
 * Returns the factor on the sum over an H×W map: λ itself, or λ·224²/(H·W).
 *
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `lambda` is negative or not finite, or a side is not a whole number above 0.
 */
export function sparsityWeight(lambda: number, height: number, width: number, rule: LambdaRule = 'per-224'): number {
  checkNumber('sparsityWeight: lambda', lambda, 0);
  checkSize('sparsityWeight', height, width);
  checkOneOf('sparsityWeight: rule', rule, lambdaRules);
  return rule === 'as-given' ? lambda : (lambda * 224 * 224) / (height * width);
}

/**
 * Computes the explanation loss per sample.
 *
 * @param originalLogits `[N,K]`, scores of x.
 * @param maskedLogits `[N,K]`, scores of x ⊙ H.
 * @param saliency `[N,H,W,1]`, the map H.
 * @returns Three tensors `[N]`, the caller's. Differentiable with respect to the masked logits and
 *   the map; at H = 0 the L1 norm's derivative is taken as 0.
 * @throws {TypeError} If an argument is no tensor, or an option is unknown or of the wrong kind.
 * @throws {RangeError} If a shape is wrong or λ is negative.
 */
export function explanationLoss(
  originalLogits: Tensor2D,
  maskedLogits: Tensor2D,
  saliency: Tensor4D,
  options?: ExplanationLossOptions,
): ExplanationLossParts {
  const settings = readOptions(explanationLossSchema, options);
  sameShape('explanationLoss', {originalLogits, maskedLogits});
  checkTensor('explanationLoss: saliency', saliency, [originalLogits.shape[0], null, null, 1]);
  return tidy(() => {
    const fidelity = klDivergence(originalLogits, maskedLogits);
    const area = areaLoss(saliency, settings);
    return {fidelity, area, total: add<Tensor1D>(fidelity, area)};
  });
}

/** The area part alone, per sample: λ times the sum of |H| over the pixels of a map `[N,H,W,1]`. */
export function areaLoss(saliency: Tensor4D, {lambda, lambdaRule}: Settled<ExplanationLossOptions>): Tensor1D {
  const weight = sparsityWeight(lambda, saliency.shape[1], saliency.shape[2], lambdaRule);
  return tidy(() => mul<Tensor1D>(sum(abs(saliency), [1, 2, 3]), weight));
}

// tfjs' own abs has the derivative −1 at 0, which would push an exact zero away from it.
function abs(x: Tensor4D): Tensor {
  const operation = customGrad((...given) => {
    const [input, save] = given as [Tensor, GradSaveFunc];
    const value = absolute(input);
    save([input]); // what is saved before an error stays
    return {value, gradFunc: (dy: Tensor, saved: Tensor[]) => mul(dy, sign(at(saved, 0)))};
  });
  return operation(x);
}
