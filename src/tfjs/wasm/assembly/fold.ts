/** Reductions of `[outer, rows, inner]` over its middle axis, and moves of runs of values. */

/** Values summed in single precision before they join a total. */
const GROUP: i32 = 64;

/** `out[o,i] = factor · Σ_r x[o,r,i]`. */
export function sumFold(x: usize, out: usize, outer: i32, rows: i32, inner: i32, factor: f32): void {
  if (inner == 1) {
    for (let o = 0; o < outer; o++) {
      store<f32>(out, <f32>(sumRun(x, rows) * <f64>factor));
      x += <usize>rows * 4;
      out += 4;
    }
    return;
  }
  const stride = <usize>inner * 4;
  for (let o = 0; o < outer; o++) {
    let c = 0;
    for (; c + 4 <= inner; c += 4) {
      let total = f32x4.splat(0);
      let from = x + <usize>c * 4;
      for (let first = 0; first < rows; first += GROUP) {
        const end = min(rows, first + GROUP);
        let sum = f32x4.splat(0);
        for (let r = first; r < end; r++) {
          sum = f32x4.add(sum, v128.load(from));
          from += stride;
        }
        total = f32x4.add(total, sum);
      }
      v128.store(out, f32x4.mul(total, f32x4.splat(factor)));
      out += 16;
    }
    for (; c < inner; c++) {
      let total: f64 = 0;
      for (let r = 0; r < rows; r++) total += <f64>load<f32>(x + <usize>c * 4 + <usize>r * stride);
      store<f32>(out, <f32>(total * <f64>factor));
      out += 4;
    }
    x += <usize>rows * stride;
  }
}

function sumRun(x: usize, length: i32): f64 {
  let total: f64 = 0;
  let i = 0;
  while (i + 4 <= length) {
    const end = min(length & ~3, i + 4 * GROUP);
    let sum = f32x4.splat(0);
    for (; i < end; i += 4) {
      sum = f32x4.add(sum, v128.load(x));
      x += 16;
    }
    total += <f64>f32x4.extract_lane(sum, 0) + <f64>f32x4.extract_lane(sum, 1) + <f64>f32x4.extract_lane(sum, 2) + <f64>f32x4.extract_lane(sum, 3);
  }
  for (; i < length; i++) {
    total += <f64>load<f32>(x);
    x += 4;
  }
  return total;
}

/** `out[o,i] = max_r x[o,r,i]`, NaN where one of the values is. `rows` is at least 1. */
export function maxFold(x: usize, out: usize, outer: i32, rows: i32, inner: i32): void {
  const stride = <usize>inner * 4;
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      store<f32>(out, maxRun(x, rows));
      out += 4;
    } else {
      let c = 0;
      for (; c + 4 <= inner; c += 4) {
        let from = x + <usize>c * 4;
        let highest = v128.load(from);
        for (let r = 1; r < rows; r++) {
          from += stride;
          highest = f32x4.max(highest, v128.load(from));
        }
        v128.store(out, highest);
        out += 16;
      }
      for (; c < inner; c++) {
        let from = x + <usize>c * 4;
        let highest = load<f32>(from);
        for (let r = 1; r < rows; r++) {
          from += stride;
          highest = max<f32>(highest, load<f32>(from));
        }
        store<f32>(out, highest);
        out += 4;
      }
    }
    x += <usize>rows * stride;
  }
}

function maxRun(x: usize, length: i32): f32 {
  let highest = load<f32>(x);
  let i = 0;
  if (length >= 4) {
    let four = v128.load(x);
    for (; i + 4 <= length; i += 4) {
      four = f32x4.max(four, v128.load(x));
      x += 16;
    }
    highest = max<f32>(
      max<f32>(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)),
      max<f32>(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)),
    );
  }
  for (; i < length; i++) {
    highest = max<f32>(highest, load<f32>(x));
    x += 4;
  }
  return highest;
}

/** Copies `count` runs of `length` values; the strides are in values. */
export function copyRuns(from: usize, fromStride: i32, to: usize, toStride: i32, length: i32, count: i32): void {
  const fromBytes = <usize>fromStride * 4, toBytes = <usize>toStride * 4;
  if (length >= 32) {
    for (let i = 0; i < count; i++) {
      memory.copy(to, from, <usize>length * 4);
      from += fromBytes;
      to += toBytes;
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    let c: i32 = 0;
    for (; c + 4 <= length; c += 4) v128.store(to + <usize>c * 4, v128.load(from + <usize>c * 4));
    for (; c < length; c++) store<f32>(to + <usize>c * 4, load<f32>(from + <usize>c * 4));
    from += fromBytes;
    to += toBytes;
  }
}
