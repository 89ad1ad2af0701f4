/** One pass over tensors of the same length where tfjs makes several. */

/** `dx = dy` where `low ≤ x ≤ high`, else 0; with `openLow`, where `low < x ≤ high`. */
export function gateSlope(dy: usize, x: usize, dx: usize, length: i32, low: f32, high: f32, openLow: i32): void {
  const lows = f32x4.splat(low), highs = f32x4.splat(high);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const value = v128.load(x);
    const above = openLow ? f32x4.gt(value, lows) : f32x4.ge(value, lows);
    v128.store(dx, v128.and(v128.and(above, f32x4.le(value, highs)), v128.load(dy)));
    dy += 16;
    x += 16;
    dx += 16;
  }
  for (; i < length; i++) {
    const value = load<f32>(x);
    const above = openLow ? value > low : value >= low;
    store<f32>(dx, above && value <= high ? load<f32>(dy) : 0);
    dy += 4;
    x += 4;
    dx += 4;
  }
}

/**
 * One step of Adam. `m` and `v`, the moving moments, are changed in place.
 *
 * @param rate The learning rate. @param correction1 `1 − β₁ᵗ`. @param correction2 `1 − β₂ᵗ`.
 */
export function adamStep(
  value: usize, slope: usize, m: usize, v: usize, out: usize, length: i32,
  beta1: f32, beta2: f32, rate: f32, correction1: f32, correction2: f32, epsilon: f32,
): void {
  const b1 = f32x4.splat(beta1), r1 = f32x4.splat(1 - beta1);
  const b2 = f32x4.splat(beta2), r2 = f32x4.splat(1 - beta2);
  const c1 = f32x4.splat(rate / correction1), c2 = f32x4.splat(1 / correction2), eps = f32x4.splat(epsilon);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const g = v128.load(slope);
    const first = f32x4.add(f32x4.mul(b1, v128.load(m)), f32x4.mul(r1, g));
    const second = f32x4.add(f32x4.mul(b2, v128.load(v)), f32x4.mul(r2, f32x4.mul(g, g)));
    v128.store(m, first);
    v128.store(v, second);
    const step = f32x4.div(f32x4.mul(c1, first), f32x4.add(f32x4.sqrt(f32x4.mul(c2, second)), eps));
    v128.store(out, f32x4.sub(v128.load(value), step));
    value += 16;
    slope += 16;
    m += 16;
    v += 16;
    out += 16;
  }
  for (; i < length; i++) {
    const g = load<f32>(slope);
    const first = beta1 * load<f32>(m) + (1 - beta1) * g;
    const second = beta2 * load<f32>(v) + (1 - beta2) * g * g;
    store<f32>(m, first);
    store<f32>(v, second);
    store<f32>(out, load<f32>(value) - (rate / correction1) * first / (sqrt<f32>(second / correction2) + epsilon));
    value += 4;
    slope += 4;
    m += 4;
    v += 4;
    out += 4;
  }
}

/** One step of SGD with Nesterov momentum. `velocity` is changed in place. */
export function momentumStep(value: usize, slope: usize, velocity: usize, out: usize, length: i32, momentum: f32, rate: f32): void {
  const mu = f32x4.splat(momentum), lr = f32x4.splat(rate);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const g = v128.load(slope);
    const speed = f32x4.add(f32x4.mul(mu, v128.load(velocity)), g);
    v128.store(velocity, speed);
    v128.store(out, f32x4.sub(v128.load(value), f32x4.mul(lr, f32x4.add(g, f32x4.mul(mu, speed)))));
    value += 16;
    slope += 16;
    velocity += 16;
    out += 16;
  }
  for (; i < length; i++) {
    const g = load<f32>(slope);
    const speed = momentum * load<f32>(velocity) + g;
    store<f32>(velocity, speed);
    store<f32>(out, load<f32>(value) - rate * (g + momentum * speed));
    value += 4;
    slope += 4;
    velocity += 4;
    out += 4;
  }
}
