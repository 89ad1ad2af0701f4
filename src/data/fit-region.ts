/** Which part of a picture the network sees. */
import {checkOneOf} from '../core/check.js';

/** A rectangle in whole pixels. */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Returns the part of a picture that is scaled to the network's size: all of it for `'squash'`, the
 * largest centred rectangle of the network's aspect, rounded to whole pixels, for `'crop'`.
 *
 * @param size `[height, width]` of the picture.
 * @param target `[height, width]` of the network's input.
 * @throws {RangeError} If `fit` is neither of the two.
 */
export function fitRegion(size: readonly [number, number], target: readonly [number, number], fit: 'squash' | 'crop' = 'squash'): Region {
  const [height, width] = size;
  if (checkOneOf('fit', fit, ['squash', 'crop']) === 'squash') return {top: 0, left: 0, height, width};
  const scale = Math.min(height / target[0], width / target[1]);
  const cut = {height: clamp(target[0] * scale, height), width: clamp(target[1] * scale, width)};
  return {top: Math.floor((height - cut.height) / 2), left: Math.floor((width - cut.width) / 2), ...cut};
}

function clamp(length: number, available: number): number {
  return Math.min(available, Math.max(1, Math.round(length)));
}
