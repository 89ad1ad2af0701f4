/** Top-1 accuracy: Lee & Kim 2021, equation 12. */
import {checkNumbers} from '../../core/check.js';
import {checkFiniteValues} from '../of-map/map-values.js';

/**
 * Computes the share of images whose predicted class is the labelled one.
 *
 * @param predicted Class index per image, the argmax of the scores.
 * @param labels Class index per image.
 * @returns `count(predicted = label) / N`, 0–1.
 * @throws {TypeError} If a side is no list of numbers.
 * @throws {RangeError} If the lengths differ or are 0, or a value is not finite.
 */
export function topOneAccuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  checkNumbers('topOneAccuracy: predicted', predicted);
  checkNumbers('topOneAccuracy: labels', labels);
  if (predicted.length !== labels.length || labels.length === 0) {
    throw new RangeError(
      `topOneAccuracy: predicted and labels must have the same length above 0, but have ${predicted.length} and ${labels.length}.`,
    );
  }
  checkFiniteValues('topOneAccuracy: predicted', predicted);
  checkFiniteValues('topOneAccuracy: labels', labels);
  let hits = 0;
  for (let index = 0; index < labels.length; index++) {
    if (predicted[index] === labels[index]) hits += 1;
  }
  return hits / labels.length;
}
