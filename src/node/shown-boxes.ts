/** From the boxes of an annotation, in pixels of the file, to those of what is shown of it. */
import type {Region} from '../data/fit-region.js';
import type {Box} from '../metrics/of-map/region.js';

/** The edges of a box in pixels of the file: left and top from 0, right and bottom behind the last pixel. */
export type PixelBox = readonly [left: number, top: number, right: number, bottom: number];

/**
 * Turns boxes into fractions of the part that is shown.
 *
 * @returns Boxes within 0–1, cut where they leave the part; those without area in it are left out.
 */
export function shownBoxes(boxes: readonly PixelBox[], {top, left, height, width}: Region, mirrored: boolean): Box[] {
  const within = (value: number): number => Math.min(1, Math.max(0, value));
  return boxes.flatMap(([x0, y0, x1, y1]): Box[] => {
    const [from, to] = [within((x0 - left) / width), within((x1 - left) / width)];
    const [above, below] = [within((y0 - top) / height), within((y1 - top) / height)];
    if (!(from < to && above < below)) return [];
    return [mirrored ? [1 - to, above, 1 - from, below] : [from, above, to, below]];
  });
}
