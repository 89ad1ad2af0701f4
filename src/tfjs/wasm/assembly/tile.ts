/**
 * The inner loop that all products share: a tile of 4 × 8 sums in eight vector registers. Both
 * operands come packed, 4 and 8 values per step, so that every load is the next one in memory.
 */
import {multiplyAdd} from './multiply-add';

/** Adds `Σ_k a[k][0..3] ⊗ b[k][0..7]` to the first `rows` × `columns` of a tile at `c`. */
export function accumulateTile(a: usize, b: usize, steps: i32, c: usize, cStride: usize, rows: i32, columns: i32): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (let k = 0; k < steps; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    const a1 = v128.load32_splat(a, 4);
    const a2 = v128.load32_splat(a, 8);
    const a3 = v128.load32_splat(a, 12);
    c00 = multiplyAdd(c00, a0, b0);
    c01 = multiplyAdd(c01, a0, b1);
    c10 = multiplyAdd(c10, a1, b0);
    c11 = multiplyAdd(c11, a1, b1);
    c20 = multiplyAdd(c20, a2, b0);
    c21 = multiplyAdd(c21, a2, b1);
    c30 = multiplyAdd(c30, a3, b0);
    c31 = multiplyAdd(c31, a3, b1);
    a += 16;
    b += 32;
  }
  addRow(c, c00, c01, columns);
  if (rows > 1) addRow(c + cStride, c10, c11, columns);
  if (rows > 2) addRow(c + 2 * cStride, c20, c21, columns);
  if (rows > 3) addRow(c + 3 * cStride, c30, c31, columns);
}

/** Adds the first `columns` of eight values to what stands at `c`. */
export function addRow(c: usize, low: v128, high: v128, columns: i32): void {
  if (columns >= 8) {
    v128.store(c, f32x4.add(v128.load(c), low));
    v128.store(c, f32x4.add(v128.load(c, 16), high), 16);
    return;
  }
  if (columns >= 4) {
    v128.store(c, f32x4.add(v128.load(c), low));
    c += 16;
    columns -= 4;
    low = high;
  }
  if (columns > 0) store<f32>(c, load<f32>(c) + f32x4.extract_lane(low, 0));
  if (columns > 1) store<f32>(c, load<f32>(c, 4) + f32x4.extract_lane(low, 1), 4);
  if (columns > 2) store<f32>(c, load<f32>(c, 8) + f32x4.extract_lane(low, 2), 8);
}
