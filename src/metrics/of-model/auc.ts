/** The area under an insertion or deletion curve, normalised to the width 1. */
import {checkOneOf} from '../../core/check.js';

/**
 * `'official'` gives every step the same width, as eclique/RISE does, also the last one that may
 * change fewer pixels. `'true-fraction'` uses the fraction of pixels that were really changed.
 */
export type AucRule = 'official' | 'true-fraction';

/**
 * Integrates a curve by the trapezoid rule: `official = (Σ a − a₀/2 − a_n/2) / n`;
 * `true-fraction = Σ (f_{i+1} − f_i) · (a_i + a_{i+1}) / 2`.
 *
 * @param curve n + 1 scores, n ≥ 1.
 * @param fractions n + 1 fractions of changed pixels, rising from 0 to 1; read by `'true-fraction'`.
 * @param rule @default 'official'
 * @returns A value between the smallest and the largest score.
 * @throws {RangeError} If there are fewer than two scores, the lengths differ, or `rule` is unknown.
 */
export function areaUnderCurve(curve: ArrayLike<number>, fractions: ArrayLike<number>, rule: AucRule = 'official'): number {
  checkOneOf('auc', rule, ['official', 'true-fraction']);
  if (curve.length < 2 || curve.length !== fractions.length) {
    throw new RangeError(`curve and fractions must have the same length of at least 2, but have ${curve.length} and ${fractions.length}.`);
  }
  const steps = curve.length - 1;
  let area = 0;
  for (let step = 0; step < steps; step++) {
    const width = rule === 'official' ? 1 / steps : (fractions[step + 1] as number) - (fractions[step] as number);
    area += (width * ((curve[step] as number) + (curve[step + 1] as number))) / 2;
  }
  return area;
}
