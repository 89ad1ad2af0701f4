/** Which part of a picture on disk is decoded: without the banner, cut at random or as `fit` says. */
import {fitRegion, type Region} from '../data/fit-region.js';
import type {Random} from '../core/random.js';
import {randomRectangle} from '../data/random-rectangle.js';

/** What decides the part. */
export interface PartBounds {
  readonly size: readonly [number, number] | undefined;
  readonly fit: 'squash' | 'crop' | 'inside';
  readonly leastCrop: number;
  readonly maxStretch: number;
  readonly bannerHeight: number;
}

/**
 * Chooses the part of a picture.
 *
 * @returns Whole pixels; nothing where it is all, or what a resize with `fit` shows by itself.
 * @throws {Error} If there is no row above the banner.
 */
export function choosePart(height: number, width: number, random: Random, bounds: PartBounds): Region | undefined {
  const {size, fit, leastCrop, maxStretch, bannerHeight} = bounds;
  if (leastCrop >= 1 && bannerHeight === 0) return undefined;
  const usable = height - bannerHeight;
  if (usable < 1) throw new Error(`it has ${height} rows, which the banner of ${bannerHeight} would leave none of`);
  const cut = size !== undefined && fit === 'crop' ? size : undefined;
  if (leastCrop >= 1) return fitRegion([usable, width], cut ?? [usable, width], cut === undefined ? 'squash' : 'crop');
  const aspect = cut === undefined ? 1 : cut[1] / cut[0] / (width / usable);
  const {top, left, ...share} = randomRectangle(random, {leastArea: leastCrop, aspect, maxStretch});
  const rows = inPixels(top, share.height, usable);
  const columns = inPixels(left, share.width, width);
  return {top: rows.first, left: columns.first, height: rows.count, width: columns.count};
}

function inPixels(start: number, share: number, length: number): {first: number; count: number} {
  const count = Math.min(length, Math.max(1, Math.round(share * length)));
  return {first: Math.min(Math.round(start * length), length - count), count};
}
