/** Where the evidence is known to be: boxes or a mask, and the pixels that they mean. */
import {checkNumber, checkSize, isNumberList, show} from '../../core/check.js';

/** `[left, top, right, bottom]` as fractions of the map's width and height, 0–1, left < right, top < bottom. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/**
 * Some pixels of a map: boxes, or one entry per pixel, row-major, true or 1 inside. A single box is
 * still an array: `[[0.1, 0.2, 0.5, 0.9]]`.
 */
export type Region = readonly Box[] | ArrayLike<boolean | number>;

/** A map with its size. */
export interface PlaneMap {
  /** `height · width` finite values, row-major; higher is more important. */
  readonly data: ArrayLike<number>;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/**
 * Marks the pixels of a region. A pixel lies in a box if its centre does; a box too small to hold a
 * centre means the pixel that its middle lies in.
 *
 * @returns 0 or 1 per pixel, with at least one 1.
 * @throws {TypeError} If `region` is neither boxes nor a mask.
 * @throws {RangeError} If the region is empty, a mask has another size than the map, or a box leaves
 *   [0,1] or has no area; the message begins with `where`.
 */
export function regionMask(where: string, region: Region, {data, height, width}: PlaneMap): Uint8Array {
  checkSize(`${where}: map`, height, width);
  if (data.length !== height * width) {
    throw new RangeError(`${where}: map must have height · width values, but has ${data.length} for ${show(height)}×${show(width)}.`);
  }
  checkRegion(`${where}: region`, region);
  const mask = isBoxes(region)
    ? maskOfBoxes(region, height, width)
    : Uint8Array.from(region as ArrayLike<boolean | number>, (inside) => (inside ? 1 : 0));
  if (mask.length !== data.length) {
    throw new RangeError(`${where}: a mask must have one entry per pixel, but has ${mask.length} for ${data.length} pixels.`);
  }
  if (!mask.includes(1)) throw new RangeError(`${where}: region must mark at least one pixel, but is empty.`);
  return mask;
}

/**
 * Checks a region as far as that is possible without a map.
 *
 * @param name Names the argument in messages.
 * @throws {TypeError} If it is neither boxes nor a mask.
 * @throws {RangeError} If a box leaves [0,1] or has no area.
 */
export function checkRegion(name: string, region: Region): void {
  if (!isNumberList(region)) {
    throw new TypeError(
      `${name} must be boxes [[left, top, right, bottom], ...] or a mask with one entry per pixel, but is ${show(region)}.`,
    );
  }
  if (isBoxes(region)) region.forEach((box, index) => checkBox(`${name}[${index}]`, box));
  else checkMask(name, region);
}

/** Checks the entries of a mask. @throws {TypeError} If one is neither true or false nor a number. */
export function checkMask(name: string, mask: ArrayLike<boolean | number>): void {
  if (!Array.isArray(mask)) return;
  const wrong = mask.findIndex((inside) => typeof inside !== 'boolean' && typeof inside !== 'number');
  if (wrong >= 0) throw new TypeError(`${name}[${wrong}] must be true, false or a number, but is ${show(mask[wrong])}.`);
}

function isBoxes(region: Region): region is readonly Box[] {
  return Array.isArray(region) && typeof region[0] === 'object';
}

function maskOfBoxes(boxes: readonly Box[], height: number, width: number): Uint8Array {
  const mask = new Uint8Array(height * width);
  for (const [left, top, right, bottom] of boxes) {
    const [firstRow, lastRow] = span(top, bottom, height);
    const [firstColumn, lastColumn] = span(left, right, width);
    for (let row = firstRow; row <= lastRow; row++) mask.fill(1, row * width + firstColumn, row * width + lastColumn + 1);
  }
  return mask;
}

/** First and last pixel whose centre lies between two fractions. */
function span(from: number, to: number, size: number): [number, number] {
  const first = Math.ceil(from * size - 0.5);
  const last = Math.min(Math.floor(to * size - 0.5), size - 1);
  if (first <= last) return [first, last];
  const middle = Math.min(Math.floor(((from + to) / 2) * size), size - 1);
  return [middle, middle];
}

function checkBox(where: string, box: Box): void {
  if (!Array.isArray(box) || box.length !== 4) throw new TypeError(`${where} must be [left, top, right, bottom], but is ${show(box)}.`);
  box.forEach((side, index) => checkNumber(`${where}[${index}]`, side, 0, 1));
  const [left, top, right, bottom] = box;
  if (!(left < right && top < bottom)) throw new RangeError(`${where} must have left < right and top < bottom, but is ${show(box)}.`);
}
