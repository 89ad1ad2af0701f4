/** Saliency maps of any origin as one value per pixel of the image. */
import {Tensor, tensor4d, tidy} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {resizeBilinear} from '../data/resize.js';

/**
 * A saliency map: ours, or any other as `{data, height, width}` (row-major), rows of numbers, or a
 * tensor `[H,W]`, `[H,W,1]` or `[1,H,W,1]`. Higher is more important; no range is needed.
 */
export type MapInput =
  {readonly data: ArrayLike<number>; readonly height: number; readonly width: number} | readonly ArrayLike<number>[] | Tensor;

/** Whether an argument is several maps, not one: rows of numbers are one. */
export function isMapList(maps: MapInput | readonly MapInput[]): maps is readonly MapInput[] {
  return Array.isArray(maps) && typeof (maps[0] as ArrayLike<unknown> | undefined)?.[0] !== 'number';
}

/**
 * Reads a map and resizes it, bilinear with half-pixel centres, when its size is another than the
 * image's but has the same aspect (to within one cell of the map, since networks round sizes up).
 *
 * @returns `height · width` values.
 * @throws {TypeError} If it is no map.
 * @throws {RangeError} If a value is NaN, sizes do not fit, or the aspect differs.
 */
export async function readMap(where: string, map: MapInput, [height, width]: readonly [number, number]): Promise<Float32Array> {
  const read = await unpack(where, map);
  const nan = read.data.findIndex(Number.isNaN);
  if (nan >= 0)
    throw new RangeError(`${where} must hold numbers, but is NaN at row ${Math.floor(nan / read.width)}, column ${nan % read.width}.`);
  if (read.height === height && read.width === width) return read.data;
  const sameAspect = Math.abs(read.height - (read.width * height) / width) < 1 || Math.abs(read.width - (read.height * width) / height) < 1;
  if (!sameAspect) {
    throw new RangeError(
      `${where} must have the aspect of the image, but is ${read.height}×${read.width} for an image of ${height}×${width} (height×width).`,
    );
  }
  const resized = tidy(() => resizeBilinear(tensor4d(read.data, [1, read.height, read.width, 1]), [height, width]));
  try {
    return Float32Array.from(await resized.data());
  } finally {
    resized.dispose();
  }
}

interface Unpacked {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

async function unpack(where: string, map: MapInput): Promise<Unpacked> {
  if (map instanceof Tensor) {
    const [height, width] = planeOf(where, map.shape);
    return {data: Float32Array.from(await map.data()), height, width};
  }
  if (Array.isArray(map)) {
    const rows = map as readonly ArrayLike<number>[];
    const width = rows[0]?.length ?? 0;
    if (width === 0 || rows.some((row) => row.length !== width))
      throw new RangeError(`${where} must have rows of the same length above 0.`);
    return {data: Float32Array.from(rows.flatMap((row) => Array.from(row))), height: rows.length, width};
  }
  const {data, height, width} = (map ?? {}) as Partial<Unpacked>;
  if (data === undefined || typeof data.length !== 'number') {
    throw new TypeError(`${where} must be {data, height, width}, rows of numbers or a tensor [H,W], but is ${show(map)}.`);
  }
  if (height === undefined || width === undefined || data.length !== height * width || data.length === 0) {
    throw new RangeError(`${where} must have height · width values, but has ${data.length} for ${show(height)}×${show(width)}.`);
  }
  return {data: Float32Array.from(data), height, width};
}

function planeOf(where: string, shape: readonly number[]): [number, number] {
  const [first, second, third, fourth] = shape;
  if (shape.length === 2 || (shape.length === 3 && third === 1)) return [first as number, second as number];
  if (shape.length === 4 && first === 1 && fourth === 1) return [second as number, third as number];
  throw new RangeError(`${where} must have shape [H, W], [H, W, 1] or [1, H, W, 1], but has [${shape.join(', ')}].`);
}
