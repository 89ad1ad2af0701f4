/** Spearman's rank correlation, with equal values sharing the mean of their ranks. */
import {at} from '../../core/at.js';
import {checkNumbers} from '../../core/check.js';
import {ranked} from './ranking.js';

/**
 * Computes Spearman's rank correlation: the Pearson correlation of the ranks.
 *
 * @param left At least two values, infinities allowed.
 * @param right As many.
 * @returns −1 … 1; NaN if all values of one side are equal, where it is undefined.
 * @throws {TypeError} If a side is no list of numbers.
 * @throws {RangeError} If the lengths differ or are below 2, or a value is NaN.
 * @see Spearman 1904; ties as in scipy.stats.spearmanr.
 */
export function rankCorrelation(left: ArrayLike<number>, right: ArrayLike<number>): number {
  checkNumbers('rankCorrelation: left', left);
  checkNumbers('rankCorrelation: right', right);
  if (left.length !== right.length || left.length < 2) {
    throw new RangeError(
      `rankCorrelation: left and right must have the same length of at least 2, but have ${left.length} and ${right.length}.`,
    );
  }
  const a = centredRanks(left);
  const b = centredRanks(right);
  let [product, squaresLeft, squaresRight] = [0, 0, 0];
  a.forEach((rank, index) => {
    const other = at(b, index);
    product += rank * other;
    squaresLeft += rank * rank;
    squaresRight += other * other;
  });
  return product / Math.sqrt(squaresLeft * squaresRight);
}

/** Ranks minus their mean, so that no cancellation follows. */
function centredRanks(values: ArrayLike<number>): Float64Array {
  const order = ranked('rankCorrelation: a list', values, 'index-asc');
  const ranks = new Float64Array(order.length);
  const mean = (order.length - 1) / 2;
  for (let first = 0, next = 0; first < order.length; first = next) {
    const value = values[at(order, first)];
    while (next < order.length && values[at(order, next)] === value) next += 1;
    // Falling order, so the sign turns: rank 0 is the smallest value.
    for (let place = first; place < next; place++) ranks[at(order, place)] = mean - (first + next - 1) / 2;
  }
  return ranks;
}
