/** Saliency maps of any origin as one value per pixel of the image. */
import {Tensor, tensor4d, tidy} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {checkNumbers, checkSize, isNumberList, show} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import {resizeBilinear} from '../data/resize.js';

/**
 * A saliency map: ours, or any other as `{data, height, width}` (row-major), rows of numbers, or a
 * tensor `[H,W]`, `[H,W,1]` or `[1,H,W,1]`. Higher is more important; no range is needed.
 */
export type MapInput =
  | {
      /** `height · width` values, row-major. */
      readonly data: ArrayLike<number>;
      /** Rows. */
      readonly height: number;
      /** Columns. */
      readonly width: number;
    }
  | readonly ArrayLike<number>[]
  | Tensor;

/** Whether an argument is several maps, not one: rows of numbers are one. */
export function isMapList(maps: MapInput | readonly MapInput[]): maps is readonly MapInput[] {
  return Array.isArray(maps) && !isRow(maps[0]);
}

/** Whether a value is a row of numbers. */
function isRow(value: unknown): boolean {
  return isNumberList(value) && typeof value[0] === 'number';
}

/**
 * Checks the form of one map, before anything runs.
 *
 * @throws {TypeError} If it is no map, a disposed tensor, or a list of maps.
 * @throws {RangeError} If its size does not fit its values.
 */
export function checkMap(where: string, map: MapInput): void {
  if (map instanceof Tensor) {
    planeOf(where, checkTensor<Tensor>(where, map).shape);
    return;
  }
  if (Array.isArray(map)) {
    if (map.length > 0 && !isRow(map[0]))
      throw new TypeError(`${where} must be one map, but is ${show(map)}: take one of them, such as the first, [0].`);
    const rows = map as readonly ArrayLike<number>[];
    rows.forEach((row, index) => checkNumbers(`${where}[${index}]`, row));
    const width = rows[0]?.length ?? 0;
    if (width === 0 || rows.some((row) => row.length !== width))
      throw new RangeError(`${where} must have rows of the same length above 0, but is ${show(map)}.`);
    return;
  }
  const {data, height, width} = (map ?? {}) as Partial<Unpacked>;
  if (typeof map !== 'object' || !isNumberList(data)) {
    throw new TypeError(`${where} must be {data, height, width}, rows of numbers or a tensor [H,W], but is ${show(map)}.`);
  }
  checkNumbers(`${where}: data`, data);
  checkSize(where, height, width);
  if (data.length !== (height as number) * (width as number)) {
    throw new RangeError(`${where} must have height · width values, but has ${data.length} for ${show(height)}×${show(width)}.`);
  }
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
  checkMap(where, map);
  if (map instanceof Tensor) {
    const [height, width] = planeOf(where, map.shape);
    return {data: Float32Array.from(await map.data()), height, width};
  }
  if (Array.isArray(map)) {
    const rows = map as readonly ArrayLike<number>[];
    return {data: Float32Array.from(rows.flatMap((row) => Array.from(row))), height: rows.length, width: at(rows, 0).length};
  }
  const {data, height, width} = map as Unpacked;
  return {data: Float32Array.from(data), height, width};
}

function planeOf(where: string, shape: readonly number[]): [number, number] {
  const [first, second, third, fourth] = shape;
  if (shape.length === 2 || (shape.length === 3 && third === 1)) return [first as number, second as number];
  if (shape.length === 4 && first === 1 && fourth === 1) return [second as number, third as number];
  throw new RangeError(`${where} must have shape [H, W], [H, W, 1] or [1, H, W, 1], but has [${shape.join(', ')}].`);
}
