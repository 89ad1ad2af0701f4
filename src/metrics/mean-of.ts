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

/** A mean of values that are read twice, in the same order, and not held. NaN counts as absent. */
export class RunningMean {
  #sum = 0;
  #count = 0;
  #squares = 0;

  /** Takes a value the first time. */
  add(value: number): void {
    if (Number.isNaN(value)) return;
    this.#sum += value;
    this.#count++;
  }

  /** Takes a value the second time, after all have been added. */
  addDeviation(value: number): void {
    if (!Number.isNaN(value)) this.#squares += (value - this.#sum / this.#count) ** 2;
  }

  result(): MeanOf {
    const variance = this.#squares / (this.#count - 1);
    return {
      mean: this.#sum / this.#count,
      standardError: this.#count < 2 ? NaN : Math.sqrt(variance / this.#count),
      images: this.#count,
    };
  }
}

/** Averages values; NaN counts as absent. */
export function meanOf(all: readonly number[]): MeanOf {
  const mean = new RunningMean();
  for (const value of all) mean.add(value);
  for (const value of all) mean.addDeviation(value);
  return mean.result();
}
