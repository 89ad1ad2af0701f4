/** How widely a map is spread: the complexity of an explanation (Bhatt et al. 2020). */
import {mapValues, type ValuesOfMap} from './map-values.js';

/**
 * Computes the entropy of a map taken as a distribution over pixels: `−Σ p ln p`,
 * `p = |value| / Σ |value|`.
 *
 * @param map Any map; signs do not matter, nor does a factor.
 * @returns Nats, from 0 (one pixel carries everything) to `ln n` (all n pixels alike). A map of zeros
 *   prefers no pixel and counts as even, `ln n`. Divide by `Math.LN2` for bits.
 * @throws {TypeError} If it is no map.
 * @throws {RangeError} If the map has no values or one is not finite.
 * @see Bhatt et al. 2020, "Evaluating and Aggregating Feature-based Model Explanations", section 3.3.
 * @example
 * entropy({data: [1, 1, 1, 1]}); // 1.386, ln 4
 */
export function entropy(map: ValuesOfMap): number {
  const magnitudes = Float64Array.from(mapValues('entropy', map), Math.abs);
  const mass = magnitudes.reduce((sum, value) => sum + value, 0);
  if (mass === 0) return Math.log(magnitudes.length);
  return magnitudes.reduce((sum, value) => {
    const share = value / mass;
    return share > 0 ? sum - share * Math.log(share) : sum;
  }, 0);
}
