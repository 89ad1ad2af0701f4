/** Images in which segments are hidden behind one colour each. */
import type {Segments} from './superpixels/segments.js';

/**
 * Computes the mean colour of each segment.
 *
 * @param values `height · width · channels`, channels last.
 * @param truncate Whether means are cut to whole numbers, towards 0, as they are in LIME when the
 *   image is made of bytes.
 * @returns `numSegments · channels` values.
 */
export function meanColours(values: ArrayLike<number>, {labels, numSegments}: Segments, channels: number, truncate: boolean): Float64Array {
  const sums = new Float64Array(numSegments * channels);
  const counts = new Float64Array(numSegments);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel] as number;
    counts[label] = (counts[label] as number) + 1;
    for (let channel = 0; channel < channels; channel++) {
      const at = label * channels + channel;
      sums[at] = (sums[at] as number) + (values[pixel * channels + channel] as number);
    }
  }
  return sums.map((sum, at) => {
    const mean = sum / (counts[Math.floor(at / channels)] as number);
    return truncate ? Math.trunc(mean) : mean;
  });
}

/**
 * Copies an image once per row, the pixels of every segment whose entry is 0 replaced by its colour.
 *
 * @param values `height · width · channels`, not changed.
 * @param colours `numSegments · channels`.
 * @returns `rows · height · width · channels` values.
 */
export function hideSegments(
  values: Float32Array,
  colours: ArrayLike<number>,
  {labels, numSegments}: Segments,
  rows: readonly ArrayLike<number>[],
): Float32Array {
  const channels = colours.length / numSegments;
  const images = new Float32Array(rows.length * values.length);
  rows.forEach((row, index) => {
    const image = images.subarray(index * values.length, (index + 1) * values.length);
    image.set(values);
    for (let pixel = 0; pixel < labels.length; pixel++) {
      const label = labels[pixel] as number;
      if (row[label] !== 0) continue;
      for (let channel = 0; channel < channels; channel++)
        image[pixel * channels + channel] = colours[label * channels + channel] as number;
    }
  });
  return images;
}
