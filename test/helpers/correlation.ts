/** How well two lists of numbers follow one line. */

/** Pearson's correlation of as many values; NaN where one list is constant. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [centred(a), centred(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

function centred(values: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(values);
  const mean = all.reduce((total, value) => total + value, 0) / all.length;
  return all.map((value) => value - mean);
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((total, value, at) => total + value * y[at]!, 0);
}
