/** Lays a map over the photo that it explains: where the network saw the photo's centre alone, over that. */
import type {DecodedImage, SaliencyMap, Teacher} from '../core/types.js';
import {fitRegion} from '../data/fit-region.js';
import {overlay, type OverlayOptions} from '../render/overlay.js';
import type {MapLike, RgbaImage} from '../render/pixels.js';
import {resizeMap} from '../render/resize-map.js';

/**
 * Draws the overlay.
 *
 * @param image The photo, as it was explained.
 * @returns A picture of the photo's size; outside what the network saw, the photo alone.
 */
export function drawOverlay(image: DecodedImage, map: SaliencyMap, teacher: Teacher, options: OverlayOptions): RgbaImage {
  return overlay(image, placeMap(image, map, teacher), options);
}

/** The map in the frame of the photo; NaN outside what the network saw. */
export function placeMap(image: DecodedImage, map: SaliencyMap, {inputShape, preprocessing}: Teacher): MapLike {
  const {width, height} = image;
  const [inputHeight, inputWidth] = inputShape;
  const region = fitRegion([height, width], [inputHeight, inputWidth], preprocessing?.fit);
  if (region.height === height && region.width === width) return map;
  const seen = resizeMap(map, [region.height, region.width]).data;
  const data = new Float32Array(height * width).fill(NaN);
  for (let row = 0; row < region.height; row++) {
    data.set(seen.subarray(row * region.width, (row + 1) * region.width), (region.top + row) * width + region.left);
  }
  return {data, height, width};
}

/** The place of the map's highest value in the photo, the first of equals: 0–1 from the left and from the top. */
export function peakPlace(image: DecodedImage, map: SaliencyMap, {inputShape, preprocessing}: Teacher): {x: number; y: number} {
  const at = map.data.reduce((best, value, index) => (value > (map.data[best] as number) ? index : best), 0);
  const {width, height} = image;
  const region = fitRegion([height, width], [inputShape[0], inputShape[1]], preprocessing?.fit);
  const across = ((at % map.width) + 0.5) / map.width;
  const down = (Math.floor(at / map.width) + 0.5) / map.height;
  return {x: (region.left + across * region.width) / width, y: (region.top + down * region.height) / height};
}
