/** The order in which pixels are changed: by falling saliency, equal ones by a stated rule. */
import {at} from '../../core/at.js';
import {checkNumbers, checkOneOf} from '../../core/check.js';

/** Among equal saliencies, which pixel comes first: the lower flat index (`y·width + x`) or the higher. */
export type TieRule = 'index-asc' | 'index-desc';

/**
 * Ranks pixels from the most to the least salient. Stable, so the same map gives the same order
 * everywhere; eclique/RISE reverses an unstable sort, which on small maps acts like `'index-desc'`.
 *
 * @param values Saliency per pixel; infinities allowed.
 * @param ties @default 'index-asc'
 * @returns Flat pixel indices, the most salient first.
 * @throws {TypeError} If `values` is no list of numbers.
 * @throws {RangeError} If a value is NaN or `ties` is unknown.
 */
export function rankPixels(values: ArrayLike<number>, ties: TieRule = 'index-asc'): Uint32Array {
  checkNumbers('rankPixels: values', values);
  checkOneOf('rankPixels: ties', ties, ['index-asc', 'index-desc']);
  return ranked('rankPixels: values', values, ties);
}

/** As {@link rankPixels}, for checked arguments. */
export function ranked(where: string, values: ArrayLike<number>, ties: TieRule): Uint32Array {
  const order = new Uint32Array(values.length);
  for (let index = 0; index < order.length; index++) {
    if (Number.isNaN(values[index])) throw new RangeError(`${where} must hold numbers, but is NaN at index ${index}.`);
    order[index] = index;
  }
  const direction = ties === 'index-asc' ? 1 : -1;
  // ∞ − ∞ is NaN, which counts as a tie like 0.
  return order.sort((a, b) => at(values, b) - at(values, a) || direction * (a - b));
}
