/** The gradient of max pooling: four channels fill a vector register. */

/**
 * Adds dy of every window to dx at the first of its maxima, in row-major order. dx starts as zeros.
 *
 * @param x `[n,h,w,c]`, as is dx. @param y The maxima, `[n,oh,ow,c]`, as is dy. The last two numbers are not looked at.
 */
export function maxPoolGradient(
  x: usize, y: usize, dy: usize, dx: usize,
  batch: i32, height: i32, width: i32, channels: i32,
  outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32,
  strideY: i32, strideX: i32, padTop: i32, padLeft: i32, dilationY: i32, dilationX: i32,
): void {
  const pixel = <usize>channels * 4;
  const line = <usize>width * pixel;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = max(0, oy * strideY - padTop), bottom = min(height, oy * strideY - padTop + kernelHeight);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = max(0, ox * strideX - padLeft), right = min(width, ox * strideX - padLeft + kernelWidth);
        let c = 0;
        for (; c + 4 <= channels; c += 4) {
          const highest = v128.load(y), slope = v128.load(dy);
          let open = i32x4.splat(-1);
          for (let row = top; row < bottom && v128.any_true(open); row++) {
            let at = <usize>row * line + <usize>left * pixel + <usize>c * 4;
            for (let column = left; column < right; column++) {
              const hit = v128.and(f32x4.eq(v128.load(x + at), highest), open);
              if (v128.any_true(hit)) {
                v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(slope, hit)));
                open = v128.andnot(open, hit);
              }
              at += pixel;
            }
          }
          y += 16;
          dy += 16;
        }
        for (; c < channels; c++) {
          addToFirst(x + <usize>c * 4, dx + <usize>c * 4, load<f32>(y), load<f32>(dy), top, bottom, line, left, right, pixel);
          y += 4;
          dy += 4;
        }
      }
    }
    x += <usize>height * line;
    dx += <usize>height * line;
  }
}

function addToFirst(
  x: usize, dx: usize, highest: f32, slope: f32, top: i32, bottom: i32, line: usize, left: i32, right: i32, pixel: usize,
): void {
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const at = <usize>row * line + <usize>column * pixel;
      if (load<f32>(x + at) != highest) continue;
      store<f32>(dx + at, load<f32>(dx + at) + slope);
      return;
    }
  }
}
