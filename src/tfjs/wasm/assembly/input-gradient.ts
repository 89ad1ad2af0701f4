/**
 * The gradient of a convolution with respect to its input: each input pixel sums, over the taps of
 * the kernel that reach it, dy · Wᵀ. Pixels whose coordinates leave the same remainders modulo the
 * stride are reached by the same taps; such a phase is one product whose rows are found through
 * pointers, and pixels beyond the border point at zeros.
 */
import {multiplyRows, ROWS} from './rows';

/** Up to so many pixels, as in a dense layer on a few images, packing the weights costs more than it saves. */
const FEW: i32 = 3;

/** Floats of scratch memory that `inputGradient` needs. */
export function inputGradientScratch(inChannels: i32, outChannels: i32, taps: i32): i32 {
  return taps * outChannels * ((inChannels + 7) & ~7) + outChannels + 8 + ROWS * (taps + 1);
}

/**
 * Writes `dx [n,h,w,ci]`, every value.
 *
 * @param dy `[n,oh,ow,co]`. @param w `[kh,kw,ci,co]`. @param scratch See inputGradientScratch.
 */
export function inputGradient(
  dy: usize, w: usize, dx: usize, scratch: usize,
  batch: i32, height: i32, width: i32, inChannels: i32,
  outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32,
  strideY: i32, strideX: i32, padTop: i32, padLeft: i32, dilationY: i32, dilationX: i32,
): void {
  const allTaps = kernelHeight * kernelWidth;
  const pixels = batch * height * width;
  if (allTaps == 1 && strideY * strideX == 1 && (padTop | padLeft) == 0 && pixels <= FEW && outHeight * outWidth == height * width) {
    multiplyFew(dy, w, dx, pixels, inChannels, outChannels);
    return;
  }
  const panelWidth = (inChannels + 7) & ~7;
  const zeros = scratch + <usize>(allTaps * outChannels * panelWidth) * 4;
  const nowhere = zeros + <usize>outChannels * 4;
  const pointers = nowhere + 32;
  memory.fill(zeros, 0, <usize>outChannels * 4);
  for (let phaseY = 0; phaseY < strideY; phaseY++) {
    for (let phaseX = 0; phaseX < strideX; phaseX++) {
      let taps = 0;
      for (let ky = 0; ky < kernelHeight; ky++) {
        if ((phaseY + padTop - ky * dilationY) % strideY != 0) continue;
        for (let kx = 0; kx < kernelWidth; kx++) if ((phaseX + padLeft - kx * dilationX) % strideX == 0) taps++;
      }
      let tap = 0;
      for (let ky = 0; ky < kernelHeight; ky++) {
        if ((phaseY + padTop - ky * dilationY) % strideY != 0) continue;
        for (let kx = 0; kx < kernelWidth; kx++) {
          if ((phaseX + padLeft - kx * dilationX) % strideX != 0) continue;
          packTransposed(w + <usize>((ky * kernelWidth + kx) * inChannels * outChannels) * 4, scratch, inChannels, outChannels, taps, tap++);
        }
      }
      const phaseHeight = (height - phaseY + strideY - 1) / strideY;
      const phaseWidth = (width - phaseX + strideX - 1) / strideX;
      const rows = batch * phaseHeight * phaseWidth;
      for (let first = 0; first < rows; first += ROWS) {
        const count = min(ROWS, rows - first);
        const padded = (count + 3) & ~3;
        const targets = pointers + <usize>(padded * taps) * 4;
        for (let r = 0; r < padded; r++) {
          const row = first + min(r, count - 1);
          const line = row / phaseWidth;
          const x = (row - line * phaseWidth) * strideX + phaseX;
          const image = line / phaseHeight;
          const y = (line - image * phaseHeight) * strideY + phaseY;
          let at = pointers + <usize>(r * taps) * 4;
          for (let ky = 0; ky < kernelHeight; ky++) {
            const fromY = y + padTop - ky * dilationY;
            if (fromY % strideY != 0) continue;
            const oy = fromY / strideY;
            for (let kx = 0; kx < kernelWidth; kx++) {
              const fromX = x + padLeft - kx * dilationX;
              if (fromX % strideX != 0) continue;
              const ox = fromX / strideX;
              const inside = fromY >= 0 && oy < outHeight && fromX >= 0 && ox < outWidth;
              store<usize>(at, inside ? dy + <usize>(((image * outHeight + oy) * outWidth + ox) * outChannels) * 4 : zeros);
              at += 4;
            }
          }
          store<usize>(targets + <usize>r * 4, r < count ? dx + <usize>(((image * height + y) * width + x) * inChannels) * 4 : 0);
        }
        multiplyRows(pointers, targets, padded, taps, outChannels, scratch, inChannels, 0, -Infinity, Infinity);
      }
    }
  }
}

/** `dx[p,ci] = Σ dy[p,co] · w[ci,co]`, each a product of two rows as they lie in memory. */
function multiplyFew(dy: usize, w: usize, dx: usize, pixels: i32, inChannels: i32, outChannels: i32): void {
  for (let p = 0; p < pixels; p++) {
    let weights = w;
    for (let ci = 0; ci < inChannels; ci++) {
      let slope = dy;
      let s0 = f32x4.splat(0), s1 = s0;
      let co = 0;
      for (; co + 8 <= outChannels; co += 8) {
        s0 = f32x4.add(s0, f32x4.mul(v128.load(slope), v128.load(weights)));
        s1 = f32x4.add(s1, f32x4.mul(v128.load(slope, 16), v128.load(weights, 16)));
        slope += 32;
        weights += 32;
      }
      const four = f32x4.add(s0, s1);
      let sum = f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1) + f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3);
      for (; co < outChannels; co++) {
        sum += load<f32>(slope) * load<f32>(weights);
        slope += 4;
        weights += 4;
      }
      store<f32>(dx, sum);
      dx += 4;
    }
    dy += <usize>outChannels * 4;
  }
}

/** Packs Wᵀ of one tap, `[ci/8][taps][co][8]`, zeros behind the last channel. */
function packTransposed(w: usize, to: usize, inChannels: i32, outChannels: i32, taps: i32, tap: i32): void {
  for (let ci = 0; ci < inChannels; ci += 8) {
    const panel = to + <usize>((ci * taps + tap * 8) * outChannels) * 4;
    const columns = min(8, inChannels - ci);
    for (let half = 0; half < 8; half += 4) {
      const source = w + <usize>((ci + half) * outChannels) * 4;
      const target = panel + <usize>half * 4;
      if (columns >= half + 4) {
        transposeFour(source, target, outChannels);
      } else {
        for (let k = 0; k < outChannels; k++) {
          for (let i = 0; i < 4; i++) {
            const value: f32 = half + i < columns ? load<f32>(source + <usize>(i * outChannels + k) * 4) : 0;
            store<f32>(target + <usize>(k * 8 + i) * 4, value);
          }
        }
      }
    }
  }
}

/** Writes four rows of `length` values as `length` quadruples, 32 bytes apart. */
function transposeFour(from: usize, to: usize, length: i32): void {
  const stride = <usize>length * 4;
  let k = 0;
  for (; k + 4 <= length; k += 4) {
    const r0 = v128.load(from);
    const r1 = v128.load(from + stride);
    const r2 = v128.load(from + 2 * stride);
    const r3 = v128.load(from + 3 * stride);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
    v128.store(to, v128.shuffle<f64>(low01, low23, 1, 3), 32);
    v128.store(to, v128.shuffle<f64>(high01, high23, 0, 2), 64);
    v128.store(to, v128.shuffle<f64>(high01, high23, 1, 3), 96);
    from += 16;
    to += 128;
  }
  for (; k < length; k++) {
    for (let i: usize = 0; i < 4; i++) store<f32>(to + i * 4, load<f32>(from + i * stride));
    from += 4;
    to += 32;
  }
}
