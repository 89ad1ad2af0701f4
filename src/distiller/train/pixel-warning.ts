/** Whether images look like what the teacher wants: pixels of 0–255 and numbers near 1 are easily taken for each other. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {Teacher} from '../../core/types.js';
import {wantsPixels} from '../../models/graph/wants-pixels.js';

// Pixels of an image reach far beyond; what was scaled by anybody does not.
const LARGEST_SCALED = 4;

/**
 * Says what is wrong, if something is.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 */
export async function pixelWarning({model, name}: Teacher, images: Tensor4D): Promise<string | undefined> {
  if (model === undefined || !wantsPixels(model)) return undefined;
  let largest = 0;
  for (const value of await images.data<'float32'>()) largest = Math.max(largest, Math.abs(value));
  if (largest > LARGEST_SCALED) return undefined;
  return `Teacher '${name}' scales or normalises its input itself, so it wants pixels of 0–255, but the images lie within ±${largest.toPrecision(2)}: it sees them nearly black. Use preprocessing: 'none'.`;
}
