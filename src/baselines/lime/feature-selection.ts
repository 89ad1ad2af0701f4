/** Which segments the local model of LIME may use, when fewer than all are wanted. */
import {at} from '../../core/at.js';
import {range, ridge, type Design, type Response} from './ridge.js';

/**
 * How segments are chosen. `'forward-selection'`: one after the other, the one that raises R² most.
 * `'highest-weights'`: those with the largest coefficients of a fit on all. `'none'`: all of them.
 * `'auto'`: forward selection for up to 6, highest weights for more.
 */
export type FeatureSelection = 'auto' | 'forward-selection' | 'highest-weights' | 'none';

// Those of LIME: forward selection fits without a penalty, and is too slow for many features.
const FORWARD_LIMIT = 6;
const SELECTION_ALPHA = 0.01;

/**
 * Chooses features.
 *
 * @param numFeatures How many, at least 1; `Infinity` for all. Ignored by `'none'`.
 * @returns Indices: in order of choice, by falling |coefficient| (the first of equals first), or
 *   rising for `'none'`.
 */
export function selectFeatures(design: Design, response: Response, numFeatures: number, method: FeatureSelection): number[] {
  if (method === 'none') return range(design.numFeatures);
  const forward = method === 'forward-selection' || (method === 'auto' && numFeatures <= FORWARD_LIMIT);
  return forward ? selectForward(design, response, numFeatures) : selectHighest(design, response, numFeatures);
}

function selectForward(design: Design, response: Response, numFeatures: number): number[] {
  const chosen: number[] = [];
  while (chosen.length < Math.min(numFeatures, design.numFeatures)) {
    let best = {feature: -1, r2: -Infinity};
    for (let feature = 0; feature < design.numFeatures; feature++) {
      if (chosen.includes(feature)) continue;
      const {r2} = ridge(design, response, 0, [...chosen, feature]);
      if (r2 > best.r2) best = {feature, r2};
    }
    chosen.push(best.feature);
  }
  return chosen;
}

function selectHighest(design: Design, response: Response, numFeatures: number): number[] {
  const {coefficients} = ridge(design, response, SELECTION_ALPHA);
  const size = (feature: number): number => Math.abs(at(coefficients, feature));
  return range(design.numFeatures)
    .sort((a, b) => size(b) - size(a))
    .slice(0, numFeatures);
}
