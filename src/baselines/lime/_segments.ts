/** Cuts an image the way that LIME was told to. */
import {gridSegments} from './superpixels/grid.js';
import {quickshift} from './superpixels/quickshift.js';
import {relabelSegments, type Segments} from './superpixels/segments.js';
import {slic} from './superpixels/slic.js';
import type {DecodedImage} from '../../core/types.js';
import type {LimeSettings} from './options.js';

/**
 * Runs the segmenter; what a caller's label map or function gives is relabelled.
 *
 * @throws {RangeError} If the label map has another size than the network's image.
 */
export async function segmentImage(picture: DecodedImage, index: number, {segmenter, seed}: LimeSettings): Promise<Segments> {
  const {height, width} = picture;
  if (segmenter === 'quickshift') return quickshift(picture, {seed});
  if (segmenter === 'slic') return slic(picture);
  if (segmenter === 'grid') return gridSegments(height, width, {numSegments: Math.min(64, height * width)});
  const segments = relabelSegments(typeof segmenter === 'function' ? await segmenter(picture, index) : segmenter);
  if (segments.height !== height || segments.width !== width) {
    throw new RangeError(
      `lime: segments must have the size of the network's image, ${height}×${width} (height×width), but are ${segments.height}×${segments.width}.`,
    );
  }
  return segments;
}
