/**
 * The random neighbours of an image that LIME looks at: which segments each keeps, how near it is, and the
 * copies of the image in which the others are hidden.
 */
import {at} from '../../core/at.js';
import type {Random} from '../../core/random.js';
import type {Segments} from './superpixels/segments.js';

/**
 * Draws row number `row`: independent 0 (hidden) and 1 (kept) with equal chances; row 0 is all ones,
 * the image itself. Each row has a stream of its own, so that any of them can be drawn alone.
 */
export function sampleRow(row: number, numSegments: number, random: Random): Uint8Array {
  if (row === 0) return new Uint8Array(numSegments).fill(1);
  const stream = random.split(row);
  return Uint8Array.from({length: numSegments}, () => stream.int(2));
}

/** Returns the cosine distance of a row to the row of ones: `1 − √(ones / segments)`, 1 for no ones. */
export function cosineDistance(row: ArrayLike<number>): number {
  let ones = 0;
  for (let segment = 0; segment < row.length; segment++) ones += at(row, segment);
  return 1 - Math.sqrt(ones / row.length);
}

/** Returns how much a row counts in the fit: `√exp(−distance² / kernelWidth²)`, in (0,1]. */
export function kernelWeight(distance: number, kernelWidth: number): number {
  return Math.exp(-(distance * distance) / (2 * kernelWidth * kernelWidth));
}

/** Returns how many equally weighted rows say as much as these: `(Σw)² / Σw²` (Kish). */
export function effectiveRows(weights: readonly number[]): number {
  let [sum, squares] = [0, 0];
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return sum ** 2 / squares;
}

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
    const label = at(labels, pixel);
    counts[label] = at(counts, label) + 1;
    for (let channel = 0; channel < channels; channel++) {
      const place = label * channels + channel;
      sums[place] = at(sums, place) + at(values, pixel * channels + channel);
    }
  }
  return sums.map((sum, place) => {
    const mean = sum / at(counts, Math.floor(place / channels));
    return truncate ? Math.trunc(mean) : mean;
  });
}

/** Gives every pixel the colour of its segment: `height · width · channels` values. */
export function spreadColours(colours: Float64Array, {labels, numSegments}: Segments): Float64Array {
  const channels = colours.length / numSegments;
  return Float64Array.from({length: labels.length * channels}, (_, place) => {
    const pixel = Math.floor(place / channels);
    return at(colours, at(labels, pixel) * channels + (place % channels));
  });
}

/**
 * Copies an image once per row, the pixels of every segment whose entry is 0 taken from a baseline image.
 *
 * @param values `height · width · channels`, not changed.
 * @param baseline As many values.
 * @returns `rows · height · width · channels` values.
 */
export function hideSegments(
  values: Float32Array,
  baseline: ArrayLike<number>,
  {labels}: Pick<Segments, 'labels'>,
  rows: readonly ArrayLike<number>[],
): Float32Array {
  const channels = values.length / labels.length;
  const images = new Float32Array(rows.length * values.length);
  rows.forEach((row, index) => {
    const image = images.subarray(index * values.length, (index + 1) * values.length);
    image.set(values);
    for (let pixel = 0; pixel < labels.length; pixel++) {
      if (row[labels[pixel] as number] !== 0) continue;
      for (let place = pixel * channels; place < (pixel + 1) * channels; place++) image[place] = baseline[place] as number;
    }
  });
  return images;
}
