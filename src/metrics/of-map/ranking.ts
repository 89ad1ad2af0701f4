/** The order in which pixels are changed: by falling saliency, equal ones by a stated rule. */
import {checkOneOf} from '../../core/check.js';

/** Among equal saliencies, which pixel comes first: the lower flat index (`y·width + x`) or the higher. */
export type TieRule = 'index-asc' | 'index-desc';

/**
 * Ranks pixels from the most to the least salient. Stable, so the same map gives the same order
 * everywhere; eclique/RISE reverses an unstable sort, which on small maps acts like `'index-desc'`.
 *
 * @param values Saliency per pixel; infinities allowed.
 * @param ties @default 'index-asc'
 * @returns Flat pixel indices, the most salient first.
 * @throws {RangeError} If a value is NaN or `ties` is unknown.
 */
export function rankPixels(values: ArrayLike<number>, ties: TieRule = 'index-asc'): Uint32Array {
  checkOneOf('ties', ties, ['index-asc', 'index-desc']);
  const order = new Uint32Array(values.length);
  for (let index = 0; index < order.length; index++) {
    if (Number.isNaN(values[index])) throw new RangeError(`map must hold numbers, but is NaN at index ${index}.`);
    order[index] = index;
  }
  const direction = ties === 'index-asc' ? 1 : -1;
  // ∞ − ∞ is NaN, which counts as a tie like 0.
  return order.sort((a, b) => (values[b] as number) - (values[a] as number) || direction * (a - b));
}
