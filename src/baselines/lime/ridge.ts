/**
 * Weighted ridge regression whose intercept is not penalised, in float64: the local model of LIME.
 * Everything is computed from the centred Gram matrix, which is made once per design and shared by
 * all responses, penalties and subsets of features.
 */
import {CholeskyDecomposition, Matrix, pseudoInverse} from 'ml-matrix';

// Below this share of its column's variance a pivot is rounding: the column repeats others.
const SINGULAR = 1e-12;

/** Rows and weights, prepared for any number of regressions. */
export interface Design {
  readonly numFeatures: number;
  /** Weighted mean of every feature. */
  readonly means: Float64Array;
  /** `[rows, features]`: `√w · (x − mean)`. */
  readonly scaled: Matrix;
  /** `[features, features]`: `Σ w (x − mean)(x − mean)ᵀ`. */
  readonly gram: Matrix;
  readonly weights: ArrayLike<number>;
}

/** One response of a design. */
export interface Response {
  /** Weighted mean. */
  readonly mean: number;
  /** `Σ w (x − mean)(y − mean)` of every feature. */
  readonly moments: Float64Array;
  /** `Σ w (y − mean)²`. */
  readonly total: number;
}

/** A fitted plane. */
export interface RidgeFit {
  /** One per feature, in the order of `features`. */
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** Weighted R², at most 1; 1 where the response does not vary and nothing is left to explain. */
  readonly r2: number;
}

/** Centres and weighs the rows; all of one length. The weights are at least 0, not all 0. */
export function designOf(rows: readonly ArrayLike<number>[], weights: ArrayLike<number>): Design {
  const numFeatures = rows[0]?.length ?? 0;
  const means = new Float64Array(numFeatures);
  const sum = sumOf(weights);
  rows.forEach((row, index) => {
    for (let feature = 0; feature < numFeatures; feature++)
      means[feature] = (means[feature] as number) + ((weights[index] as number) / sum) * (row[feature] as number);
  });
  const scaled = new Matrix(rows.length, numFeatures);
  rows.forEach((row, index) => {
    const root = Math.sqrt(weights[index] as number);
    for (let feature = 0; feature < numFeatures; feature++)
      scaled.set(index, feature, root * ((row[feature] as number) - (means[feature] as number)));
  });
  return {numFeatures, means, scaled, gram: scaled.transpose().mmul(scaled), weights};
}

/** Centres and weighs a response. One that is the same everywhere counts as exactly that. */
export function responseOf({scaled, weights, numFeatures}: Design, values: ArrayLike<number>): Response {
  const sum = sumOf(weights);
  const first = values[0] as number;
  let shift = 0;
  for (let row = 0; row < values.length; row++) shift += ((weights[row] as number) / sum) * ((values[row] as number) - first);
  const moments = new Float64Array(numFeatures);
  let total = 0;
  for (let row = 0; row < values.length; row++) {
    const centred = Math.sqrt(weights[row] as number) * ((values[row] as number) - first - shift);
    total += centred * centred;
    for (let feature = 0; feature < numFeatures; feature++)
      moments[feature] = (moments[feature] as number) + scaled.get(row, feature) * centred;
  }
  return {mean: first + shift, moments, total};
}

/**
 * Fits `b = (G + alpha·I)⁻¹ m`, `intercept = mean(y) − mean(x)·b` on some of the features.
 *
 * @param alpha Penalty, at least 0. With 0 and features that repeat each other, the shortest b.
 * @param features Which, in the order of the result. @default all
 */
export function ridge(
  {gram, means, numFeatures}: Design,
  {mean, moments, total}: Response,
  alpha: number,
  features: readonly number[] = range(numFeatures),
): RidgeFit {
  const chosen = gram.selection([...features], [...features]);
  const right = Matrix.columnVector(features.map((feature) => moments[feature] as number));
  const solution = solveSymmetric(Matrix.add(chosen, Matrix.eye(features.length).mul(alpha)), right);
  const coefficients = Float64Array.from(solution.to1DArray());
  const intercept = features.reduce((sum, feature, index) => sum - (means[feature] as number) * (coefficients[index] as number), mean);
  const unexplained = total - 2 * solution.dot(right) + solution.dot(chosen.mmul(solution));
  return {coefficients, intercept, r2: total > 0 ? 1 - unexplained / total : 1};
}

function solveSymmetric(left: Matrix, right: Matrix): Matrix {
  const cholesky = new CholeskyDecomposition(left);
  const lower = cholesky.lowerTriangularMatrix;
  const regular =
    cholesky.isPositiveDefinite() &&
    left.diagonal().every((variance, index) => lower.get(index, index) ** 2 > SINGULAR * Math.max(1, variance));
  if (regular) return cholesky.solve(right);
  return pseudoInverse(left, SINGULAR * Math.max(1, ...left.diagonal())).mmul(right);
}

export function range(count: number): number[] {
  return Array.from({length: count}, (_, index) => index);
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] as number;
  return sum;
}
