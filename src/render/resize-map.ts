/**
 * A map brought to the size of a picture on plain arrays, with the same half-pixel weights that the
 * tensors use, so that a peak stays where it was.
 */
import {checkNumbers, checkSize, show} from '../core/check.js';
import {resizeWeights} from '../data/resize.js';
import {checkMap, type MapLike} from './pixels.js';

/**
 * Resizes a map bilinearly with half-pixel centres.
 *
 * @param size `[height, width]` of the result, both at least 1.
 * @returns A new map; its values stay within those of `map`.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If the map's size does not fit its data or a size is not a whole number above 0.
 */
export function resizeMap(
  map: MapLike,
  size: readonly [height: number, width: number],
): MapLike & {
  /** `height · width` values, row-major. */
  readonly data: Float32Array;
} {
  checkMap('resizeMap: map', map);
  if (checkNumbers('resizeMap: size', size).length !== 2) {
    throw new RangeError(`resizeMap: size must be [height, width], but is ${show(size)}.`);
  }
  checkSize('resizeMap: size', size[0], size[1]);
  return resized(map, size);
}

function resized(map: MapLike, [height, width]: readonly [height: number, width: number]): MapLike & {readonly data: Float32Array} {
  const rows = resizeWeights(map.height, height); // [height, map.height]
  const columns = resizeWeights(map.width, width); // [width, map.width]
  const wide = new Float32Array(map.height * width);
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let source = 0; source < map.width; source++) {
        const weight = columns[x * map.width + source] as number;
        if (weight !== 0) sum += weight * (map.data[y * map.width + source] as number);
      }
      wide[y * width + x] = sum;
    }
  }
  const data = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let source = 0; source < map.height; source++) {
      const weight = rows[y * map.height + source] as number;
      if (weight === 0) continue;
      for (let x = 0; x < width; x++) data[y * width + x] = (data[y * width + x] as number) + weight * (wide[source * width + x] as number);
    }
  }
  return {data, height, width};
}

/** Returns a checked map in the size of `image`: itself where it has that size. */
export function fitMap(map: MapLike, image: {readonly width: number; readonly height: number}): MapLike {
  const fits = map.width === image.width && map.height === image.height;
  return fits ? map : resized(map, [image.height, image.width]);
}
