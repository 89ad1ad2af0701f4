/**
 * The rectangles that are cut at random for training: of pictures while they are decoded, and of a batch on the
 * device. The draw is that of Szegedy et al. 2015, "Going Deeper with Convolutions", section 6, as PyTorch's
 * RandomResizedCrop has it: share of the area, then aspect, then place.
 */
import type {Random} from '../core/random.js';

/** A rectangle as fractions of the picture's height and width. */
export interface Rectangle {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** What may be drawn. */
export interface RectangleBounds {
  /** The smallest share of the picture's area, above 0 and at most 1. */
  readonly leastArea: number;
  /** Width ÷ height in fractions: 1 has the picture's own aspect. @default 1 */
  readonly aspect?: number | undefined;
  /** The aspect is multiplied by a number from 1 / maxStretch to maxStretch, uniform in its logarithm. @default 1 */
  readonly maxStretch?: number | undefined;
}

// How often a shape that does not fit is drawn again, as in PyTorch.
const TRIES = 10;

/**
 * Draws a rectangle inside the picture. Where ten draws in a row do not fit, which takes a picture much longer than
 * wide, it is the largest centred one with an allowed aspect.
 */
export function randomRectangle(random: Random, {leastArea, aspect = 1, maxStretch = 1}: RectangleBounds): Rectangle {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const side = Math.sqrt(random.uniform(leastArea, 1));
    const stretch = maxStretch === 1 ? 1 : Math.exp(random.uniform(-Math.log(maxStretch), Math.log(maxStretch)));
    const root = Math.sqrt(aspect * stretch);
    const [height, width] = [side / root, side * root];
    if (height <= 1 && width <= 1) return {top: random.uniform(0, 1 - height), left: random.uniform(0, 1 - width), height, width};
  }
  const nearest = Math.min(Math.max(1, aspect / maxStretch), aspect * maxStretch);
  const [height, width] = [Math.min(1, 1 / nearest), Math.min(1, nearest)];
  return {top: (1 - height) / 2, left: (1 - width) / 2, height, width};
}
