/**
 * The product behind convolutions, forward and backward: rows that are found through pointers, one
 * per tap, times a filter packed into panels eight columns wide. Sums of four rows and eight columns
 * stay in registers over all taps.
 */
import {multiplyAdd} from './multiply-add';

/** Rows per block: what their pointers reach stays in the second-level cache. */
export const ROWS: i32 = 256;

/**
 * For every row r: `target[r][n] = start[n] + Σ_t Σ_k pointer[r][t][k] · panel[n/8][t][k][n%8]`, cut to `low` … `high`.
 *
 * @param pointers `[rows][taps]` addresses of `depth` values each.
 * @param targets `[rows]` addresses of `columns` values each; 0 for a row that is not kept.
 * @param rows A multiple of 4.
 * @param start `columns` values, or 0 for zeros.
 */
export function multiplyRows(
  pointers: usize, targets: usize, rows: i32, taps: i32, depth: i32, panels: usize, columns: i32, start: usize,
  low: f32, high: f32,
): void {
  const least = f32x4.splat(low);
  const most = f32x4.splat(high);
  const rowStride = <usize>taps * 4;
  for (let n = 0; n < columns; n += 8) {
    const panel = panels + <usize>(n * taps * depth) * 4;
    let start0 = f32x4.splat(0), start1 = start0;
    if (start) {
      start0 = loadSome(start + <usize>n * 4, columns - n);
      if (columns - n > 4) start1 = loadSome(start + <usize>(n + 4) * 4, columns - n - 4);
    }
    for (let r = 0; r < rows; r += 4) {
      let c00 = start0, c01 = start1, c10 = start0, c11 = start1, c20 = start0, c21 = start1, c30 = start0, c31 = start1;
      let b = panel;
      let at = pointers + <usize>r * rowStride;
      for (let t = 0; t < taps; t++) {
        let a0 = load<usize>(at);
        let a1 = load<usize>(at + rowStride);
        let a2 = load<usize>(at + 2 * rowStride);
        let a3 = load<usize>(at + 3 * rowStride);
        at += 4;
        for (let k = 0; k < depth; k++) {
          const b0 = v128.load(b);
          const b1 = v128.load(b, 16);
          const s0 = v128.load32_splat(a0);
          const s1 = v128.load32_splat(a1);
          const s2 = v128.load32_splat(a2);
          const s3 = v128.load32_splat(a3);
          c00 = multiplyAdd(c00, s0, b0);
          c01 = multiplyAdd(c01, s0, b1);
          c10 = multiplyAdd(c10, s1, b0);
          c11 = multiplyAdd(c11, s1, b1);
          c20 = multiplyAdd(c20, s2, b0);
          c21 = multiplyAdd(c21, s2, b1);
          c30 = multiplyAdd(c30, s3, b0);
          c31 = multiplyAdd(c31, s3, b1);
          a0 += 4;
          a1 += 4;
          a2 += 4;
          a3 += 4;
          b += 32;
        }
      }
      const target = targets + <usize>r * 4;
      const offset = <usize>n * 4;
      const width = columns - n;
      storeRow(load<usize>(target), offset, cut(c00, least, most), cut(c01, least, most), width);
      storeRow(load<usize>(target, 4), offset, cut(c10, least, most), cut(c11, least, most), width);
      storeRow(load<usize>(target, 8), offset, cut(c20, least, most), cut(c21, least, most), width);
      storeRow(load<usize>(target, 12), offset, cut(c30, least, most), cut(c31, least, most), width);
    }
  }
}

// @ts-ignore: decorator
@inline
function cut(values: v128, least: v128, most: v128): v128 {
  return f32x4.min(f32x4.max(values, least), most);
}

function loadSome(from: usize, count: i32): v128 {
  if (count >= 4) return v128.load(from);
  let values = f32x4.splat(0);
  if (count > 0) values = f32x4.replace_lane(values, 0, load<f32>(from));
  if (count > 1) values = f32x4.replace_lane(values, 1, load<f32>(from, 4));
  if (count > 2) values = f32x4.replace_lane(values, 2, load<f32>(from, 8));
  return values;
}

function storeRow(row: usize, offset: usize, low: v128, high: v128, columns: i32): void {
  if (row == 0) return;
  let c = row + offset;
  if (columns >= 8) {
    v128.store(c, low);
    v128.store(c, high, 16);
    return;
  }
  if (columns >= 4) {
    v128.store(c, low);
    c += 16;
    columns -= 4;
    low = high;
  }
  if (columns > 0) store<f32>(c, f32x4.extract_lane(low, 0));
  if (columns > 1) store<f32>(c, f32x4.extract_lane(low, 1), 4);
  if (columns > 2) store<f32>(c, f32x4.extract_lane(low, 2), 8);
}
