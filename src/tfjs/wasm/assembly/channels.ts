/**
 * Passes over `rows × channels` values that treat each channel alike: the statistics of batch
 * normalisation, its forward pass and its gradient.
 */

/** Rows summed in single precision before they join the total, so that rounding stays small. */
const GROUP: i32 = 64;

/**
 * Sums over the rows: `sums[c] += Σ a` and, where `products` is given, `products[c] += Σ a·(b − centre[c])`.
 * Both start as zeros.
 */
export function channelSums(a: usize, b: usize, centre: usize, rows: i32, channels: i32, sums: usize, products: usize): void {
  const stride = <usize>channels * 4;
  for (let first = 0; first < rows; first += GROUP) {
    const count = min(GROUP, rows - first);
    const offset = <usize>first * stride;
    let c = 0;
    for (; c + 8 <= channels; c += 8) {
      const at = <usize>c * 4;
      let s0 = f32x4.splat(0), s1 = s0, p0 = s0, p1 = s0;
      let x = a + offset + at;
      if (products) {
        const m0 = v128.load(centre + at), m1 = v128.load(centre + at, 16);
        let y = b + offset + at;
        for (let r = 0; r < count; r++) {
          const x0 = v128.load(x), x1 = v128.load(x, 16);
          s0 = f32x4.add(s0, x0);
          s1 = f32x4.add(s1, x1);
          p0 = f32x4.add(p0, f32x4.mul(x0, f32x4.sub(v128.load(y), m0)));
          p1 = f32x4.add(p1, f32x4.mul(x1, f32x4.sub(v128.load(y, 16), m1)));
          x += stride;
          y += stride;
        }
        v128.store(products + at, f32x4.add(v128.load(products + at), p0));
        v128.store(products + at, f32x4.add(v128.load(products + at, 16), p1), 16);
      } else {
        for (let r = 0; r < count; r++) {
          s0 = f32x4.add(s0, v128.load(x));
          s1 = f32x4.add(s1, v128.load(x, 16));
          x += stride;
        }
      }
      v128.store(sums + at, f32x4.add(v128.load(sums + at), s0));
      v128.store(sums + at, f32x4.add(v128.load(sums + at, 16), s1), 16);
    }
    for (; c < channels; c++) {
      const at = <usize>c * 4;
      let s: f32 = 0, p: f32 = 0;
      const mean: f32 = products ? load<f32>(centre + at) : 0;
      for (let r = 0; r < count; r++) {
        const here = offset + <usize>r * stride + at;
        const value = load<f32>(a + here);
        s += value;
        if (products) p += value * (load<f32>(b + here) - mean);
      }
      store<f32>(sums + at, load<f32>(sums + at) + s);
      if (products) store<f32>(products + at, load<f32>(products + at) + p);
    }
  }
}

/** `squares[c] += Σ (x − centre[c])²`; starts as zeros. */
export function channelSquares(x: usize, centre: usize, rows: i32, channels: i32, squares: usize): void {
  const stride = <usize>channels * 4;
  for (let first = 0; first < rows; first += GROUP) {
    const count = min(GROUP, rows - first);
    const offset = <usize>first * stride;
    let c = 0;
    for (; c + 8 <= channels; c += 8) {
      const at = <usize>c * 4;
      const m0 = v128.load(centre + at), m1 = v128.load(centre + at, 16);
      let s0 = f32x4.splat(0), s1 = s0;
      let from = x + offset + at;
      for (let r = 0; r < count; r++) {
        const d0 = f32x4.sub(v128.load(from), m0), d1 = f32x4.sub(v128.load(from, 16), m1);
        s0 = f32x4.add(s0, f32x4.mul(d0, d0));
        s1 = f32x4.add(s1, f32x4.mul(d1, d1));
        from += stride;
      }
      v128.store(squares + at, f32x4.add(v128.load(squares + at), s0));
      v128.store(squares + at, f32x4.add(v128.load(squares + at, 16), s1), 16);
    }
    for (; c < channels; c++) {
      const at = <usize>c * 4;
      let s: f32 = 0;
      for (let r = 0; r < count; r++) {
        const d = load<f32>(x + offset + <usize>r * stride + at) - load<f32>(centre + at);
        s += d * d;
      }
      store<f32>(squares + at, load<f32>(squares + at) + s);
    }
  }
}

/** `out = (x − centre[c])·q[c] + r[c]`, plus `a·p[c]` where `a` is given. */
export function channelAffine(
  x: usize, centre: usize, q: usize, r: usize, a: usize, p: usize, out: usize, rows: i32, channels: i32,
): void {
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      let value = f32x4.add(f32x4.mul(f32x4.sub(v128.load(x), v128.load(centre + at)), v128.load(q + at)), v128.load(r + at));
      if (a) {
        value = f32x4.add(value, f32x4.mul(v128.load(a), v128.load(p + at)));
        a += 16;
      }
      v128.store(out, value);
      x += 16;
      out += 16;
      at += 16;
    }
    for (; c < channels; c++) {
      let value = (load<f32>(x) - load<f32>(centre + at)) * load<f32>(q + at) + load<f32>(r + at);
      if (a) {
        value += load<f32>(a) * load<f32>(p + at);
        a += 4;
      }
      store<f32>(out, value);
      x += 4;
      out += 4;
      at += 4;
    }
  }
}
