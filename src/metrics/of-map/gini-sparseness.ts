/** How few pixels carry a map: the Gini index as a metric of sparseness (Chalasani et al. 2020). */
import {mapValues, type ValuesOfMap} from './map-values.js';

/**
 * Computes the Gini index of a map's magnitudes: `Σ (2i − n − 1)·a_i / (n · Σ a)`, `a` = |values| in
 * rising order, i from 1. Quantus adds 1e-7 to every magnitude first; here nothing is added.
 *
 * @param map Any map; signs do not matter, nor does a factor.
 * @returns 0 (all pixels alike, also all 0) to `1 − 1/n` (one pixel carries everything). No unit.
 * @throws {TypeError} If it is no map.
 * @throws {RangeError} If the map has no values or one is not finite.
 * @see Chalasani et al. 2020, "Concise Explanations of Neural Networks using Adversarial Training";
 *   Hurley & Rickard 2009, "Comparing Measures of Sparsity".
 * @example
 * giniSparseness({data: [0, 0, 0, 1]}); // 0.75
 */
export function giniSparseness(map: ValuesOfMap): number {
  const magnitudes = Float64Array.from(mapValues('giniSparseness', map), Math.abs).sort();
  const count = magnitudes.length;
  let mass = 0;
  let weighted = 0;
  magnitudes.forEach((value, index) => {
    mass += value;
    weighted += (2 * index + 1 - count) * value;
  });
  // Equal values leave a rounding error on either side of 0.
  return mass === 0 ? 0 : Math.max(0, weighted / (count * mass));
}
