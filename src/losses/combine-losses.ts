/** Adds losses up without losing sight of the parts: every part is reported by name. */
import {add, mean, mul, Tensor, tidy, type Scalar} from '@tensorflow/tfjs-core';
import {isPromise, show} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import {custom, number, required, withDefault} from '../core/fields.js';
import {groupProblem, refusal, type OptionsSchema, type Settled} from '../core/options.js';

/** One part: its values (per sample or scalar) and its weight in the total. */
export interface WeightedLoss {
  /** `[N]` or a scalar; its mean is what counts. */
  readonly values: Tensor;
  /** Factor in the total; with 0 a part is reported and not trained on. @default 1 */
  readonly weight?: number | undefined;
}

/** The weighted total, and the unweighted mean of every part under its name. */
export interface CombinedLoss {
  /** The sum of the parts; the caller's to dispose. */
  readonly total: Scalar;
  /** The weighted parts, by name; the caller's to dispose. */
  readonly parts: Readonly<Record<string, Scalar>>;
}

/** What a {@link WeightedLoss} may hold. */
const partFields: OptionsSchema<Settled<WeightedLoss>>['fields'] = {
  values: required(custom<Tensor>('a tensor', (value) => (value instanceof Tensor ? undefined : 'kind'))),
  weight: withDefault(number(), 1),
};

/**
 * Computes `Σ weight · mean(values)` (Lee & Kim, equation 11, with all weights 1).
 *
 * @returns Scalars, the caller's. A weight of 0 reports a part without training on it.
 * @throws {TypeError} If `losses` is no object of `{values, weight}`, or values are no tensor that can be read.
 * @throws {RangeError} If there is no part or a weight is not finite.
 */
export function combineLosses(losses: Readonly<Record<string, WeightedLoss>>): CombinedLoss {
  checkLosses(losses);
  return tidy(() => {
    const parts: Record<string, Scalar> = {};
    let total: Scalar | undefined;
    let unweighted: Scalar | undefined;
    for (const [name, {values, weight = 1}] of Object.entries(losses)) {
      const part = mean<Scalar>(values);
      parts[name] = part;
      unweighted ??= part;
      if (weight === 0) continue;
      const weighted = mul<Scalar>(part, weight);
      total = total ? add<Scalar>(total, weighted) : weighted;
    }
    return {total: total ?? mul<Scalar>(unweighted as Scalar, 0), parts};
  });
}

function checkLosses(losses: unknown): void {
  const rule = 'combineLosses: losses must be an object {name: {values, weight}} of at least one loss';
  if (typeof losses !== 'object' || losses === null || Array.isArray(losses) || isPromise(losses)) {
    throw new TypeError(`${rule}, but is ${show(losses)}.`);
  }
  const named = Object.entries(losses);
  if (named.length === 0) throw new RangeError(`${rule}, but is empty.`);
  for (const [name, loss] of named) {
    const problem = groupProblem(partFields, loss);
    if (problem !== undefined) throw refusal('combineLosses', {...problem, path: `losses.${name}${problem.path}`});
    checkTensor(`combineLosses: losses.${name}.values`, (loss as WeightedLoss).values);
  }
}
