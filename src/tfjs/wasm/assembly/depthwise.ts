/**
 * Both gradients of a depthwise convolution, which convolves every channel on its own. One row of
 * one tap at a time; with one output per channel, four channels fill a vector register.
 */

/** One tap over one output row: the pixels from `firstInside` to `endInside − 1` read inside the image. */
// @ts-ignore: decorator
@inline
function firstInside(shift: i32, stride: i32): i32 {
  return shift >= 0 ? 0 : (-shift + stride - 1) / stride;
}

// @ts-ignore: decorator
@inline
function endInside(shift: i32, stride: i32, size: i32, outSize: i32): i32 {
  return shift >= size ? 0 : min(outSize, (size - 1 - shift) / stride + 1);
}

/**
 * With `toFilter`, adds `Σ x · dy` to the filter's gradient; else adds `Σ w · dy` to the image's. What
 * is added to starts as zeros.
 *
 * @param image `[n,h,w,c]`: x, or dx. @param dy `[n,oh,ow,c·m]`. @param filter `[kh,kw,c,m]`: dw, or w.
 */
export function depthwiseGradient(
  image: usize, dy: usize, filter: usize, toFilter: i32, multiplier: i32,
  batch: i32, height: i32, width: i32, channels: i32,
  outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32,
  strideY: i32, strideX: i32, padTop: i32, padLeft: i32, dilationY: i32, dilationX: i32,
): void {
  const length = channels * multiplier;
  const step = <usize>(strideX * channels) * 4;
  for (let line = 0; line < batch * outHeight; line++) {
    const n = line / outHeight;
    const slopes = dy + <usize>(line * outWidth * length) * 4;
    for (let ky = 0; ky < kernelHeight; ky++) {
      const y = (line - n * outHeight) * strideY - padTop + ky * dilationY;
      if (y < 0 || y >= height) continue;
      for (let kx = 0; kx < kernelWidth; kx++) {
        const shift = kx * dilationX - padLeft;
        const first = firstInside(shift, strideX);
        const count = endInside(shift, strideX, width, outWidth) - first;
        if (count <= 0) continue;
        const pixels = image + <usize>(((n * height + y) * width + first * strideX + shift) * channels) * 4;
        const slope = slopes + <usize>(first * length) * 4;
        const taps = filter + <usize>((ky * kernelWidth + kx) * length) * 4;
        if (toFilter) {
          if (multiplier == 1) addRowProducts(pixels, step, slope, taps, count, length);
          else addRepeatedProducts(pixels, step, slope, taps, count, channels, multiplier);
        } else if (multiplier == 1) {
          addRowScaled(pixels, step, slope, taps, count, length);
        } else {
          addRepeatedScaled(pixels, step, slope, taps, count, channels, multiplier);
        }
      }
    }
  }
}

function addRowProducts(x: usize, step: usize, dy: usize, dw: usize, pixels: i32, channels: i32): void {
  const row = <usize>channels * 4;
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let a = x, b = dy;
    for (let p = 0; p < pixels; p++) {
      s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
      s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
      s2 = f32x4.add(s2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
      s3 = f32x4.add(s3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
      a += step;
      b += row;
    }
    v128.store(dw, f32x4.add(v128.load(dw), s0));
    v128.store(dw, f32x4.add(v128.load(dw, 16), s1), 16);
    v128.store(dw, f32x4.add(v128.load(dw, 32), s2), 32);
    v128.store(dw, f32x4.add(v128.load(dw, 48), s3), 48);
    x += 64;
    dy += 64;
    dw += 64;
  }
  for (; c + 4 <= channels; c += 4) {
    let s0 = f32x4.splat(0);
    let a = x, b = dy;
    for (let p = 0; p < pixels; p++) {
      s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
      a += step;
      b += row;
    }
    v128.store(dw, f32x4.add(v128.load(dw), s0));
    x += 16;
    dy += 16;
    dw += 16;
  }
  for (; c < channels; c++) {
    let s: f32 = 0;
    let a = x, b = dy;
    for (let p = 0; p < pixels; p++) {
      s += load<f32>(a) * load<f32>(b);
      a += step;
      b += row;
    }
    store<f32>(dw, load<f32>(dw) + s);
    x += 4;
    dy += 4;
    dw += 4;
  }
}

function addRepeatedProducts(x: usize, step: usize, dy: usize, dw: usize, pixels: i32, channels: i32, multiplier: i32): void {
  const row = <usize>(channels * multiplier) * 4;
  for (let c = 0; c < channels; c++) {
    for (let m = 0; m < multiplier; m++) {
      let s: f32 = 0;
      let a = x + <usize>c * 4, b = dy;
      for (let p = 0; p < pixels; p++) {
        s += load<f32>(a) * load<f32>(b);
        a += step;
        b += row;
      }
      store<f32>(dw, load<f32>(dw) + s);
      dy += 4;
      dw += 4;
    }
  }
}

function addRowScaled(dx: usize, step: usize, dy: usize, w: usize, pixels: i32, channels: i32): void {
  const row = <usize>channels * 4;
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    let a = dx, b = dy;
    for (let p = 0; p < pixels; p++) {
      v128.store(a, f32x4.add(v128.load(a), f32x4.mul(w0, v128.load(b))));
      v128.store(a, f32x4.add(v128.load(a, 16), f32x4.mul(w1, v128.load(b, 16))), 16);
      a += step;
      b += row;
    }
    dx += 32;
    dy += 32;
    w += 32;
  }
  for (; c < channels; c++) {
    const factor = load<f32>(w);
    let a = dx, b = dy;
    for (let p = 0; p < pixels; p++) {
      store<f32>(a, load<f32>(a) + factor * load<f32>(b));
      a += step;
      b += row;
    }
    dx += 4;
    dy += 4;
    w += 4;
  }
}

function addRepeatedScaled(dx: usize, step: usize, dy: usize, w: usize, pixels: i32, channels: i32, multiplier: i32): void {
  const row = <usize>(channels * multiplier) * 4;
  for (let c = 0; c < channels; c++) {
    for (let m = 0; m < multiplier; m++) {
      const factor = load<f32>(w);
      let a = dx + <usize>c * 4, b = dy;
      for (let p = 0; p < pixels; p++) {
        store<f32>(a, load<f32>(a) + factor * load<f32>(b));
        a += step;
        b += row;
      }
      dy += 4;
      w += 4;
    }
  }
}
