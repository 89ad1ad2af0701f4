/**
 * A convolution whose filter is used once: it is packed in one sweep and forgotten. The backend's own
 * convolution packs more slowly and keeps the result, which pays when the filter is used again.
 */
import {multiplyRows, ROWS} from './rows';

/** Floats of scratch memory that `convolution` needs. */
export function convolutionScratch(inChannels: i32, outChannels: i32, taps: i32): i32 {
  return taps * inChannels * ((outChannels + 7) & ~7) + inChannels + ROWS * (taps + 1);
}

/**
 * Writes `y [n,oh,ow,co]`, every value, cut to `low` … `high`.
 *
 * @param x `[n,h,w,ci]`. @param w `[kh,kw,ci,co]`. @param bias `[co]`, or 0. @param scratch See convolutionScratch.
 */
export function convolution(
  x: usize, w: usize, bias: usize, y: usize, scratch: usize, low: f32, high: f32,
  batch: i32, height: i32, width: i32, inChannels: i32,
  outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32,
  strideY: i32, strideX: i32, padTop: i32, padLeft: i32, dilationY: i32, dilationX: i32,
): void {
  const taps = kernelHeight * kernelWidth;
  const depth = taps * inChannels;
  const zeros = scratch + <usize>(depth * ((outChannels + 7) & ~7)) * 4;
  const pointers = zeros + <usize>inChannels * 4;
  memory.fill(zeros, 0, <usize>inChannels * 4);
  packPanels(w, scratch, depth, outChannels);
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
    multiplyRows(pointers, targets, padded, taps, inChannels, scratch, outChannels, bias, low, high);
  }
}

/** Packs `[depth][co]` into `[co/8][depth][8]`, zeros behind the last channel. */
function packPanels(w: usize, to: usize, depth: i32, outChannels: i32): void {
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
