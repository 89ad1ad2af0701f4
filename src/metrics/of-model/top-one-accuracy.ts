/** Top-1 accuracy: Lee & Kim 2021, equation 12. */

/**
 * Computes the share of images whose predicted class is the labelled one.
 *
 * @param predicted Class index per image, the argmax of the scores.
 * @param labels Class index per image.
 * @returns `count(predicted = label) / N`, 0–1.
 * @throws {RangeError} If the lengths differ or are 0.
 */
export function topOneAccuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  if (predicted.length !== labels.length || labels.length === 0) {
    throw new RangeError(
      `topOneAccuracy: predicted and labels must have the same length above 0, but have ${predicted.length} and ${labels.length}.`,
    );
  }
  let hits = 0;
  for (let index = 0; index < labels.length; index++) {
    if (predicted[index] === labels[index]) hits += 1;
  }
  return hits / labels.length;
}
