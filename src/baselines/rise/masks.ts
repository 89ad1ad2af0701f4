/**
 * The masks of RISE (Petsiuk et al. 2018, section 3.2; eclique/RISE): a coarse grid of random bits,
 * enlarged and moved by a random shift. A mask is known by its bits and shift, some 70 bytes, and
 * made when it is needed as M = A_h · G · A_wᵀ, so thousands cost no more memory than one batch.
 */
import {concat, getBackend, matMul, reshape, slice, tensor3d, tidy, type Tensor2D, type Tensor3D} from '@tensorflow/tfjs-core';
import {checkInteger, checkNumbers, isNumberList, MAX_PIXELS, show} from '../../core/check.js';
import {seedField} from '../../core/common-options.js';
import {either, integer, number, required, tuple, withDefault} from '../../core/fields.js';
import {readOptions, type Field, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {SeedOptions} from '../../core/types.js';
import {maskAxes, type MaskAxes, type MaskAxis} from './_geometry.js';

// Ten million masks of the usual 8×8 cells, a byte each.
const MAX_BITS = 10 * MAX_PIXELS;

/** What masks are made from: drawn by {@link drawMaskGrids}, or taken from another program. */
export interface MaskGrids {
  /** Cells per axis: one number, or `[rows, columns]`. */
  readonly gridSize: number | readonly [number, number];
  /** `masks · rows · columns` values, 1 = keep, 0 = hide; row-major. */
  readonly bits: ArrayLike<number>;
  /** `masks · 2` whole numbers `dy, dx`, from 0 to `ceil(size / cells) − 1`. */
  readonly shifts: ArrayLike<number>;
}

/** Options of {@link drawMaskGrids}. */
export interface MaskGridOptions extends SeedOptions {
  /** How many masks, 1–10000000. */
  readonly numMasks: number;
  /** Index of the first: masks 100–199 are the same alone and among 0–999. @default 0 */
  readonly firstMask?: number | undefined;
  /** Cells per axis, from 1 to the size: one number, or `[rows, columns]`. The authors take 7 to 10. @default 8 */
  readonly gridSize?: number | readonly [number, number] | undefined;
  /** Probability that a cell is kept, above 0 to 1. The authors take 0.5 or 0.1. @default 0.5 */
  readonly keepProbability?: number | undefined;
}

/** `gridSize` of a mask. */
export const gridSizeField: Field<number | readonly [number, number] | undefined> = /* @__PURE__ */ either<
  number | readonly [number, number]
>(integer(1), tuple('[rows, columns]', integer(1), integer(1)));

/** The options of {@link drawMaskGrids}. */
export const drawMaskGridsSchema: OptionsSchema<Settled<MaskGridOptions>> = {
  where: 'drawMaskGrids',
  fields: {
    numMasks: required(integer(1, 10_000_000)),
    firstMask: withDefault(integer(0), 0),
    gridSize: withDefault<number | readonly [number, number], number>(gridSizeField, 8),
    keepProbability: withDefault(number(Number.MIN_VALUE, 1), 0.5),
    seed: seedField,
  },
};

/**
 * Draws the bits and shifts of masks: every bit is 1 with `keepProbability`, every shift uniform
 * within one cell, all independent. A mask depends on the seed and its index alone.
 *
 * @param size `[height, width]` of the masks.
 * @returns Plain numbers, nothing to free.
 * @throws {RangeError} If a size or an option is out of its range.
 */
export function drawMaskGrids(size: readonly [number, number], options: MaskGridOptions): MaskGrids {
  const where = 'drawMaskGrids';
  const {numMasks, firstMask, gridSize, keepProbability, seed} = readOptions(drawMaskGridsSchema, options);
  const [rows, columns] = maskAxes(where, size, gridSize);
  const cells = rows.cells * columns.cells;
  if (numMasks * cells > MAX_BITS) {
    throw new RangeError(
      `${where}: numMasks must be at most ${Math.floor(MAX_BITS / cells)} where a mask has ${cells} cells, but is ${numMasks}.`,
    );
  }
  const bits = new Uint8Array(numMasks * cells);
  const shifts = new Int32Array(numMasks * 2);
  const root = new Random(seed);
  const [gridRoot, shiftRoot] = [root.split('rise grid'), root.split('rise shift')];
  for (let mask = 0; mask < numMasks; mask++) {
    const grid = gridRoot.split(firstMask + mask);
    for (let cell = 0; cell < cells; cell++) bits[mask * cells + cell] = grid.next() < keepProbability ? 1 : 0;
    const shift = shiftRoot.split(firstMask + mask);
    shifts.set([shift.int(rows.cell), shift.int(columns.cell)], mask * 2);
  }
  return {gridSize: [rows.cells, columns.cells], bits, shifts};
}

/**
 * Makes masks of bits and shifts: the grid enlarged to `(cells + 1) · ceil(size / cells)` per axis,
 * linear, half-pixel, mirrored about the centre of the end cells; then the window of the image at
 * the shift. Same masks as eclique/RISE to 1e-6.
 *
 * @param size `[height, width]` of the masks.
 * @returns `[masks, height, width]` in [0,1], 1 = keep; the caller's.
 * @throws {RangeError} If lengths do not fit each other, a bit is not 0 or 1, or a shift is out of
 *   its range.
 * @example
 * const masks = masksFromGrids(drawMaskGrids([224, 224], {numMasks: 32}), [224, 224]);
 */
export function masksFromGrids(grids: MaskGrids, size: readonly [number, number]): Tensor3D {
  if (!isMaskGrids(grids)) throw new TypeError(`masksFromGrids: grids must be {gridSize, bits, shifts}, but is ${show(grids)}.`);
  const axes = maskAxes('masksFromGrids', size, grids.gridSize);
  checkMaskGrids('masksFromGrids', grids, axes);
  return makeMasks(grids, axes, 1);
}

/**
 * Makes checked masks, every column repeated for each channel: to repeat them later, by a
 * broadcast over the innermost axis, costs wasm ten times as much.
 *
 * @returns `[masks, height, width · channels]`, the caller's.
 */
export function makeMasks({bits, shifts}: MaskGrids, [rows, columns]: MaskAxes, channels: number): Tensor3D {
  const numMasks = shifts.length / 2;
  const cells = rows.cells * columns.cells;
  const left = new Float32Array(numMasks * rows.size * columns.cells);
  const right = new Float32Array(numMasks * columns.cells * columns.size * channels);
  for (let mask = 0; mask < numMasks; mask++) {
    fillLeft(left, mask * rows.size * columns.cells, rows, columns.cells, bits, mask * cells, shifts[mask * 2] as number);
    fillRight(right, mask * columns.cells * columns.size * channels, columns, channels, shifts[mask * 2 + 1] as number);
  }
  return tidy(() =>
    products(tensor3d(left, [numMasks, rows.size, columns.cells]), tensor3d(right, [numMasks, columns.cells, columns.size * channels])),
  );
}

/** Whether a value has the form of {@link MaskGrids}; its numbers are not looked at. */
export function isMaskGrids(value: unknown): value is MaskGrids {
  const {bits, shifts} = (value ?? {}) as Partial<MaskGrids>;
  return typeof value === 'object' && isNumberList(bits) && isNumberList(shifts);
}

/**
 * Checks grids that come from outside, whose lists are lists: see {@link isMaskGrids}.
 *
 * @returns The number of masks.
 * @throws {RangeError} If lengths do not fit each other, a bit is not 0 or 1, or a shift is out of
 *   its range.
 */
export function checkMaskGrids(where: string, grids: MaskGrids, [rows, columns]: MaskAxes): number {
  const {bits, shifts} = grids;
  checkNumbers(`${where}: bits`, bits);
  checkNumbers(`${where}: shifts`, shifts);
  const cells = rows.cells * columns.cells;
  const numMasks = shifts.length / 2;
  if (numMasks < 1 || !Number.isInteger(numMasks) || bits.length !== numMasks * cells) {
    throw new RangeError(
      `${where}: there must be ${cells} bits and 2 shifts per mask, but there are ${bits.length} bits and ${shifts.length} shifts.`,
    );
  }
  for (let at = 0; at < bits.length; at++) {
    if (bits[at] !== 0 && bits[at] !== 1)
      throw new RangeError(`${where}: bits must be 0 or 1, but mask ${Math.floor(at / cells)} has ${show(bits[at])}.`);
  }
  for (let at = 0; at < shifts.length; at++) {
    checkInteger(`${where}: the ${at % 2 === 0 ? 'dy' : 'dx'} of mask ${at >> 1}`, shifts[at], 0, (at % 2 === 0 ? rows : columns).cell - 1);
  }
  return numMasks;
}

/** A_h(dy) · G, `[height, columns]`: the grid enlarged along its rows. */
function fillLeft(
  out: Float32Array,
  at: number,
  {size, first, second, weight}: MaskAxis,
  columns: number,
  bits: ArrayLike<number>,
  bitsAt: number,
  shift: number,
): void {
  for (let row = 0; row < size; row++) {
    const above = bitsAt + (first[shift + row] as number) * columns;
    const below = bitsAt + (second[shift + row] as number) * columns;
    const share = weight[shift + row] as number;
    for (let column = 0; column < columns; column++) {
      out[at++] = (1 - share) * (bits[above + column] as number) + share * (bits[below + column] as number);
    }
  }
}

/** A_w(dx)ᵀ, `[columns, width · channels]`. */
function fillRight(out: Float32Array, at: number, {size, first, second, weight}: MaskAxis, channels: number, shift: number): void {
  const stride = size * channels;
  for (let column = 0; column < size; column++) {
    const share = weight[shift + column] as number;
    const near = at + (first[shift + column] as number) * stride + column * channels;
    const far = at + (second[shift + column] as number) * stride + column * channels;
    for (let channel = 0; channel < channels; channel++) {
      // Added, since both are the same cell where there is only one.
      out[near + channel] = (out[near + channel] as number) + 1 - share;
      out[far + channel] = (out[far + channel] as number) + share;
    }
  }
}

function products(left: Tensor3D, right: Tensor3D): Tensor3D {
  // wasm runs a product of two matrices through XNNPACK, but a batch of them through plain loops, 14
  // times as slow (measured at 224×224×3).
  if (getBackend() !== 'wasm') return matMul(left, right);
  const [count, height, inner] = left.shape;
  const width = right.shape[2];
  const each = Array.from({length: count}, (_, index) => {
    const one = matMul(matrix(left, index, [height, inner]), matrix(right, index, [inner, width]));
    return reshape(one, [1, height, width]) as Tensor3D;
  });
  return concat(each, 0);
}

function matrix(batch: Tensor3D, index: number, shape: [number, number]): Tensor2D {
  return reshape(slice(batch, [index, 0, 0], [1, -1, -1]), shape);
}
