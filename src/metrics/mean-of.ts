/** A mean with how well it is known. */

/** A mean over images. */
export interface MeanOf {
  /** NaN without values. */
  readonly mean: number;
  /** Standard deviation (n − 1) over √n, in the unit of the mean; NaN for fewer than two images. */
  readonly standardError: number;
  /** Values that entered. */
  readonly images: number;
}

/** Averages values; NaN counts as absent. */
export function meanOf(all: readonly number[]): MeanOf {
  const values = all.filter((value) => !Number.isNaN(value));
  const images = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / images;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (images - 1);
  return {mean, standardError: images < 2 ? NaN : Math.sqrt(variance / images), images};
}
