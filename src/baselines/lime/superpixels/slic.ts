/**
 * SLIC superpixels (Achanta et al. 2012), in the variant of scikit-image's `slic`, which is not the
 * textbook's: the picture is stretched to [0,1] first, cluster colours start at 0 instead of the seed
 * pixel's, rounds are a fixed number and far from convergence, and small pieces are merged
 * afterwards, which leaves fewer segments than were asked for.
 */
import {integer, number, withDefault} from '../../../core/fields.js';
import {atOnce, type Pausable} from '../../../core/in-turns.js';
import {readOptions, type OptionsSchema, type Settled} from '../../../core/options.js';
import type {DecodedImage} from '../../../core/types.js';
import {connectSegments} from './_connect.js';
import {FEATURES, runRounds, seedClusters} from './_slic-clusters.js';
import {toLab} from './lab.js';
import {relabelSegments, type Segments} from './segments.js';

// Colours are divided by it; far below this, distances overflow and no pixel is in the reach of a cluster.
const MIN_COMPACTNESS = 0.000001;

/** Options of {@link slic}. */
export interface SlicOptions {
  /** How many clusters to start with, at least 1; fewer are left. @default 100 */
  readonly numSegments?: number | undefined;
  /** Weight of the place against the colour, at least 0.000001: higher makes segments more square. @default 10 */
  readonly compactness?: number | undefined;
  /** Rounds, 1–10000. Not run to convergence, so another number gives other segments. @default 10 */
  readonly numIterations?: number | undefined;
}

/** The options of {@link slic}. */
export const slicSchema: OptionsSchema<Settled<SlicOptions>> = {
  where: 'slic',
  fields: {
    numSegments: withDefault(integer(1), 100),
    compactness: withDefault(number(MIN_COMPACTNESS), 10),
    numIterations: withDefault(integer(1, 10_000), 10),
  },
};

/**
 * Cuts a picture into superpixels: k-means on place and colour, each cluster looking no farther than
 * two grid steps. With step s, a pixel goes to the cluster of the smallest
 * `|Δ(y,x)|² / s² + |ΔLab|² / compactness²`, the first among equals. Afterwards connected pieces
 * smaller than half the mean size join the neighbour that was met last, and pieces are cut at three
 * times the mean size.
 *
 * @param image Pixels in 0–255: RGB, RGBA (alpha ignored) or grey. Borrowed.
 * @returns Segments in reading order, fewer than `numSegments` as a rule: some 18 to 40 of 50.
 * @throws {TypeError} If `image` is no picture.
 * @throws {RangeError} If the picture is malformed or an option is out of range.
 * @see Achanta et al. 2012, "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods".
 * @example
 * const segments = slic(imageData, {numSegments: 50});
 */
export function slic(image: DecodedImage, options?: SlicOptions): Segments {
  return atOnce(slicInTurns(image, options));
}

/** {@link slic}, which pauses before every round. */
export function* slicInTurns(image: DecodedImage, options?: SlicOptions): Pausable<Segments> {
  const {numSegments, compactness, numIterations} = readOptions(slicSchema, options);
  const lab = toLab('slic: image', image, true);
  const scaled = {...lab, data: lab.data.map((value) => value / compactness)};
  const {height, width} = lab;
  const seeds = seedClusters(height, width, numSegments);
  const meanSize = (height * width) / (seeds.clusters.length / FEATURES);
  const pieces = yield* runRounds(scaled, seeds, numIterations);
  const labels = connectSegments(pieces, height, width, Math.floor(0.5 * meanSize), Math.floor(3 * meanSize));
  return relabelSegments({labels, height, width});
}
