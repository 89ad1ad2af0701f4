/** Mean intensity and spatial variance of maps, and the verdict that training has collapsed. */
import {mean, square, sub, tidy, type Scalar, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {FlatMapError} from '../../core/errors/flat-map-error.js';

/** How bright maps are and how much they vary. */
export interface MapStatistics {
  /** Mean of H over pixels and images, in [0,1]. */
  readonly meanIntensity: number;
  /** Variance of H over the pixels of one image, averaged over images; 0 for a flat map. */
  readonly spatialVariance: number;
}

/** Computes both as scalars, the caller's, for maps `[N,H,W,1]`. */
export function mapStatistics(saliency: Tensor4D): {meanIntensity: Scalar; spatialVariance: Scalar} {
  return tidy(() => {
    const perImage: Tensor = mean(saliency, [1, 2, 3], true);
    return {meanIntensity: mean<Scalar>(saliency), spatialVariance: mean<Scalar>(square(sub(saliency, perImage)))};
  });
}

// A map whose standard deviation is below 0.004 shows less than one of 256 grey levels.
const FLAT_VARIANCE = 0.004 ** 2;

/**
 * Throws if maps have lost all structure: the loss has two trivial solutions, H = 1 and H = 0, and
 * the sigmoid gives no gradient back from either.
 *
 * @param recent The statistics of the last steps, at least one.
 * @throws {FlatMapError} If the spatial variance is below that of one grey level.
 */
export function checkNotFlat(recent: readonly MapStatistics[], lambda: number): void {
  const meanOf = (name: keyof MapStatistics): number => recent.reduce((sum, statistics) => sum + statistics[name], 0) / recent.length;
  const [meanIntensity, spatialVariance] = [meanOf('meanIntensity'), meanOf('spatialVariance')];
  if (spatialVariance >= FLAT_VARIANCE) return;
  const where = `The maps are flat: mean ${meanIntensity.toFixed(3)}, spatial variance ${spatialVariance.toExponential(1)}.`;
  const advice =
    meanIntensity > 0.5
      ? `λ = ${lambda} asks for too little sparsity: try a 3 to 10 times larger lambda`
      : `λ = ${lambda} asks for too much sparsity: try a 3 to 10 times smaller lambda, or a larger lambdaWarmup`;
  throw new FlatMapError(
    `${where} ${advice}, or a lower learningRate for the explanation stage; then make a new distiller, since these weights no longer learn.`,
  );
}
