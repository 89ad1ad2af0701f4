/** Rules by which an integral over [0,1] becomes a weighted sum: for integrated gradients. */

/**
 * `'gauss-legendre'`: exact for polynomials of degree 2n − 1. `'midpoint'`: equal weights in the middle of equal steps.
 * `'trapezoid'`: both ends included, as in Sundararajan's code.
 */
export type QuadratureRule = 'gauss-legendre' | 'midpoint' | 'trapezoid';

/** Where the integrand is taken, and how much it counts there; the weights sum to 1. */
export interface QuadratureNode {
  readonly position: number;
  readonly weight: number;
}

/** Returns the n nodes of a rule, by rising position. */
export function quadrature(rule: QuadratureRule, n: number): QuadratureNode[] {
  if (rule === 'gauss-legendre') return gaussLegendre(n);
  if (rule === 'midpoint' || n === 1) return Array.from({length: n}, (_, index) => ({position: (index + 0.5) / n, weight: 1 / n}));
  return Array.from({length: n}, (_, index) => ({position: index / (n - 1), weight: (index === 0 || index === n - 1 ? 0.5 : 1) / (n - 1)}));
}

/** Roots of the Legendre polynomial by Newton's method from Tricomi's estimate. */
function gaussLegendre(n: number): QuadratureNode[] {
  return Array.from({length: n}, (_, index) => {
    let x = Math.cos((Math.PI * (n - index - 0.25)) / (n + 0.5));
    let slope = 1;
    for (let round = 0; round < 100; round++) {
      let [before, value] = [1, x];
      for (let degree = 2; degree <= n; degree++)
        [before, value] = [value, ((2 * degree - 1) * x * value - (degree - 1) * before) / degree];
      if (n === 1) before = 1;
      slope = (n * (x * value - before)) / (x * x - 1);
      const step = value / slope;
      x -= step;
      if (Math.abs(step) < 1e-15) break;
    }
    return {position: (x + 1) / 2, weight: 1 / ((1 - x * x) * slope * slope)};
  });
}
