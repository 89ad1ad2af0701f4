/** The random neighbours of an image that LIME looks at: which segments are kept, and how near it is. */
import type {Random} from '../../core/random.js';

/**
 * Draws rows of independent 0 (hidden) and 1 (kept) with equal chances; the first row is all ones,
 * the image itself. Each row has a stream of its own, so that any part of them can be drawn alone.
 */
export function sampleRows(numSamples: number, numSegments: number, random: Random): Uint8Array[] {
  return Array.from({length: numSamples}, (_, row) => {
    if (row === 0) return new Uint8Array(numSegments).fill(1);
    const stream = random.split(row);
    return Uint8Array.from({length: numSegments}, () => stream.int(2));
  });
}

/** Returns the cosine distance of a row to the row of ones: `1 − √(ones / segments)`, 1 for no ones. */
export function cosineDistance(row: ArrayLike<number>): number {
  let ones = 0;
  for (let segment = 0; segment < row.length; segment++) ones += row[segment] as number;
  return 1 - Math.sqrt(ones / row.length);
}

/** Returns how much a row counts in the fit: `√exp(−distance² / kernelWidth²)`, in (0,1]. */
export function kernelWeight(distance: number, kernelWidth: number): number {
  return Math.exp(-(distance * distance) / (2 * kernelWidth * kernelWidth));
}
