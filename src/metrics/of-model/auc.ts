/** The area under an insertion or deletion curve, normalised to the width 1. */
import {at} from '../../core/at.js';
import {checkNumbers, checkOneOf, show} from '../../core/check.js';
import {checkFiniteValues} from '../of-map/map-values.js';

/**
 * `'official'` gives every step the same width, as eclique/RISE does, also the last one that may
 * change fewer pixels. `'true-fraction'` uses the fraction of pixels that were really changed.
 */
export type AucRule = 'official' | 'true-fraction';

/**
 * Integrates a curve by the trapezoid rule: `official = (Σ a − a₀/2 − a_n/2) / n`;
 * `true-fraction = Σ (f_{i+1} − f_i) · (a_i + a_{i+1}) / 2`.
 *
 * @param curve n + 1 finite scores, n ≥ 1.
 * @param fractions n + 1 fractions of changed pixels, rising from 0 to 1; read by `'true-fraction'`.
 * @param rule @default 'official'
 * @returns A value between the smallest and the largest score.
 * @throws {TypeError} If `curve` or `fractions` is no list of numbers.
 * @throws {RangeError} If there are fewer than two scores, the lengths differ, a value is not finite, the fractions do not
 *   rise from 0 to 1, or `rule` is unknown.
 */
export function areaUnderCurve(curve: ArrayLike<number>, fractions: ArrayLike<number>, rule: AucRule = 'official'): number {
  checkNumbers('areaUnderCurve: curve', curve);
  checkNumbers('areaUnderCurve: fractions', fractions);
  checkOneOf('areaUnderCurve: rule', rule, ['official', 'true-fraction']);
  if (curve.length < 2 || curve.length !== fractions.length) {
    throw new RangeError(
      `areaUnderCurve: curve and fractions must have the same length of at least 2, but have ${curve.length} and ${fractions.length}.`,
    );
  }
  checkFiniteValues('areaUnderCurve: curve', curve);
  checkFiniteValues('areaUnderCurve: fractions', fractions);
  if (rule === 'true-fraction') checkRising(fractions);
  const steps = curve.length - 1;
  let area = 0;
  for (let step = 0; step < steps; step++) {
    const width = rule === 'official' ? 1 / steps : at(fractions, step + 1) - at(fractions, step);
    area += (width * (at(curve, step) + at(curve, step + 1))) / 2;
  }
  return area;
}

function checkRising(fractions: ArrayLike<number>): void {
  const last = fractions.length - 1;
  let rises = fractions[0] === 0 && fractions[last] === 1;
  for (let step = 0; step < last; step++) rises &&= at(fractions, step) <= at(fractions, step + 1);
  if (!rises) throw new RangeError(`areaUnderCurve: fractions must rise from 0 to 1, but is ${show(Array.from(fractions))}.`);
}
