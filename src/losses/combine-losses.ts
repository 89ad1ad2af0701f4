/** Adds losses up without losing sight of the parts: every part is reported by name. */
import {add, mean, mul, tidy, type Scalar, type Tensor} from '@tensorflow/tfjs-core';
import {checkNumber} from '../core/check.js';

/** One part: its values (per sample or scalar) and its weight in the total. */
export interface WeightedLoss {
  /** `[N]` or a scalar; its mean is what counts. */
  readonly values: Tensor;
  /** @default 1 */
  readonly weight?: number | undefined;
}

/** The weighted total, and the unweighted mean of every part under its name. */
export interface CombinedLoss {
  readonly total: Scalar;
  readonly parts: Readonly<Record<string, Scalar>>;
}

/**
 * Computes `Σ weight · mean(values)` (Lee & Kim, equation 11, with all weights 1).
 *
 * @returns Scalars, the caller's. A weight of 0 reports a part without training on it.
 * @throws {RangeError} If there is no part or a weight is not finite.
 */
export function combineLosses(losses: Readonly<Record<string, WeightedLoss>>): CombinedLoss {
  const names = Object.keys(losses);
  if (names.length === 0) throw new RangeError('combineLosses needs at least one loss, but got none.');
  for (const [name, {weight = 1}] of Object.entries(losses)) checkNumber(`combineLosses: weight of ${name}`, weight);
  return tidy(() => {
    const parts: Record<string, Scalar> = {};
    let total: Scalar | undefined;
    for (const [name, {values, weight = 1}] of Object.entries(losses)) {
      const part = mean<Scalar>(values);
      parts[name] = part;
      if (weight === 0) continue;
      const weighted = mul<Scalar>(part, weight);
      total = total ? add<Scalar>(total, weighted) : weighted;
    }
    const first = parts[names[0] as string] as Scalar;
    return {total: total ?? mul<Scalar>(first, 0), parts};
  });
}
