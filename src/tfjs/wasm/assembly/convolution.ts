/** A convolution and, apart from it, the packing of its filter in one sweep: who uses a filter again keeps the packed form. */
import {multiplyRows, ROWS} from './rows';

/** Floats of a packed filter; `depth` is taps · inChannels. */
export function packedSize(depth: i32, outChannels: i32): i32 {
  return depth * ((outChannels + 7) & ~7);
}

/** Floats of scratch memory that `convolution` needs. */
export function convolutionScratch(inChannels: i32, taps: i32): i32 {
  return inChannels + ROWS * (taps + 1);
}

/**
 * Writes `y [n,oh,ow,co]`, every value, cut to `low` … `high`.
 *
 * @param x `[n,h,w,ci]`. @param packed See packFilter. @param bias `[co]`, or 0. @param scratch See convolutionScratch.
 */
export function convolution(
  x: usize, packed: usize, bias: usize, y: usize, scratch: usize, low: f32, high: f32,
  batch: i32, height: i32, width: i32, inChannels: i32,
  outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32,
  strideY: i32, strideX: i32, padTop: i32, padLeft: i32, dilationY: i32, dilationX: i32,
): void {
  const taps = kernelHeight * kernelWidth;
  const zeros = scratch;
  const pointers = zeros + <usize>inChannels * 4;
  memory.fill(zeros, 0, <usize>inChannels * 4);
  const rows = batch * outHeight * outWidth;
  for (let first = 0; first < rows; first += ROWS) {
    const count = min(ROWS, rows - first);
    const padded = (count + 3) & ~3;
    const targets = pointers + <usize>(padded * taps) * 4;
    let at = pointers;
    for (let r = 0; r < padded; r++) {
      const row = first + min(r, count - 1);
      const line = row / outWidth;
      const image = line / outHeight;
      const top = (line - image * outHeight) * strideY - padTop;
      const left = (row - line * outWidth) * strideX - padLeft;
      for (let ky = 0; ky < kernelHeight; ky++) {
        const iy = top + ky * dilationY;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const ix = left + kx * dilationX;
          const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
          store<usize>(at, inside ? x + <usize>(((image * height + iy) * width + ix) * inChannels) * 4 : zeros);
          at += 4;
        }
      }
      store<usize>(targets + <usize>r * 4, r < count ? y + <usize>(row * outChannels) * 4 : 0);
    }
    multiplyRows(pointers, targets, padded, taps, inChannels, packed, outChannels, bias, low, high);
  }
}

/** Packs a filter `[kh,kw,ci,co]`, which is `[depth][co]`, into `[co/8][depth][8]`, zeros behind the last channel. */
export function packFilter(w: usize, to: usize, depth: i32, outChannels: i32): void {
  const full = outChannels & ~7;
  for (let k = 0; k < depth; k++) {
    let target = to + <usize>k * 32;
    for (let n = 0; n < full; n += 8) {
      v128.store(target, v128.load(w));
      v128.store(target, v128.load(w, 16), 16);
      w += 32;
      target += <usize>depth * 32;
    }
    for (let i = full; i < ((outChannels + 7) & ~7); i++) {
      store<f32>(target + <usize>(i - full) * 4, i < outChannels ? load<f32>(w) : 0);
      if (i < outChannels) w += 4;
    }
  }
}
