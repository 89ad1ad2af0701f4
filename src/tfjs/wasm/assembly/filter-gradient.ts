/**
 * The gradient of a convolution with respect to its filter, dW = patches(x)ᵀ · dy. Pixels are taken
 * a chunk at a time; of each chunk the patches are packed four values wide, dy eight wide, and their
 * product is added to dW. What is packed fits the second-level cache.
 */
import {accumulateTile} from './tile';

/** Pixels per chunk. */
const CHUNK: i32 = 128;
/** Values of a patch per block, a multiple of 4. */
const BLOCK: i32 = 512;

/** Floats of scratch memory that `filterGradient` needs for a dy of `outChannels`. */
export function filterGradientScratch(outChannels: i32): i32 {
  return CHUNK * (BLOCK + ((outChannels + 7) & ~7));
}

/**
 * Adds to `dw [kh,kw,ci,co]`, which starts as zeros.
 *
 * @param x `[n,h,w,ci]`. @param dy `[n,oh,ow,co]`. @param scratch See filterGradientScratch.
 */
export function filterGradient(
  x: usize, dy: usize, dw: usize, scratch: usize,
  batch: i32, height: i32, width: i32, inChannels: i32,
  outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32,
  strideY: i32, strideX: i32, padTop: i32, padLeft: i32, dilationY: i32, dilationX: i32,
): void {
  const patch = kernelHeight * kernelWidth * inChannels;
  const pixels = batch * outHeight * outWidth;
  const packedDy = scratch + <usize>(CHUNK * BLOCK * 4);
  for (let first = 0; first < pixels; first += CHUNK) {
    const count = min(CHUNK, pixels - first);
    packWide(dy + <usize>first * outChannels * 4, packedDy, count, outChannels);
    for (let from = 0; from < patch; from += BLOCK) {
      const length = min(BLOCK, patch - from);
      for (let at = 0; at < length; ) {
        // The part of the block that one tap of the kernel gives.
        const tap = (from + at) / inChannels;
        const channel = from + at - tap * inChannels;
        const run = min(inChannels - channel, length - at);
        const tapY = tap / kernelWidth;
        const dyTap = tapY * dilationY - padTop;
        const dxTap = (tap - tapY * kernelWidth) * dilationX - padLeft;
        packTap(x, scratch, first, count, at, run, channel, height, width, inChannels, outHeight, outWidth, strideY, strideX, dyTap, dxTap);
        at += run;
      }
      for (let m = length; m & 3; m++) clearColumn(scratch, m, count);
      for (let n = 0; n < outChannels; n += 8) {
        const b = packedDy + <usize>(n * count) * 4;
        for (let m = 0; m < length; m += 4) {
          const c = dw + <usize>((from + m) * outChannels + n) * 4;
          accumulateTile(scratch + <usize>(m * count) * 4, b, count, c, <usize>outChannels * 4, length - m, outChannels - n);
        }
      }
    }
  }
}

/** Packs `count` rows of `channels` values eight wide: `[channels/8][count][8]`, zeros at the end. */
function packWide(from: usize, to: usize, count: i32, channels: i32): void {
  for (let n = 0; n < channels; n += 8) {
    const columns = channels - n;
    for (let p = 0; p < count; p++) {
      const source = from + <usize>(p * channels + n) * 4;
      if (columns >= 8) {
        v128.store(to, v128.load(source));
        v128.store(to, v128.load(source, 16), 16);
      } else {
        for (let i = 0; i < 8; i++) store<f32>(to + <usize>i * 4, i < columns ? load<f32>(source + <usize>i * 4) : 0);
      }
      to += 32;
    }
  }
}

/** Packs what one tap sees, `run` channels of each pixel, into columns `at…` of `[block/4][count][4]`. */
function packTap(
  x: usize, to: usize, first: i32, count: i32, at: i32, run: i32, channel: i32,
  height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  strideY: i32, strideX: i32, shiftY: i32, shiftX: i32,
): void {
  const aligned = ((at | run) & 3) == 0;
  const groupStride = <usize>count * 16;
  let column = first % outWidth;
  const line = first / outWidth;
  let row = line % outHeight;
  let image = line / outHeight;
  for (let p = 0; p < count; p++) {
    const y = row * strideY + shiftY;
    const xx = column * strideX + shiftX;
    const inside = y >= 0 && y < height && xx >= 0 && xx < width;
    const source = x + <usize>(((image * height + y) * width + xx) * channels + channel) * 4;
    if (aligned) {
      let target = to + <usize>(at * count + p * 4) * 4;
      if (inside) {
        for (let i = 0; i < run; i += 4) {
          v128.store(target, v128.load(source + <usize>i * 4));
          target += groupStride;
        }
      } else {
        for (let i = 0; i < run; i += 4) {
          v128.store(target, f32x4.splat(0));
          target += groupStride;
        }
      }
    } else {
      for (let i = 0; i < run; i++) {
        const m = at + i;
        const target = to + <usize>((m & ~3) * count + p * 4 + (m & 3)) * 4;
        store<f32>(target, inside ? load<f32>(source + <usize>i * 4) : 0);
      }
    }
    if (++column == outWidth) {
      column = 0;
      if (++row == outHeight) {
        row = 0;
        image++;
      }
    }
  }
}

function clearColumn(to: usize, m: i32, count: i32): void {
  for (let p = 0; p < count; p++) store<f32>(to + <usize>((m & ~3) * count + p * 4 + (m & 3)) * 4, 0);
}
