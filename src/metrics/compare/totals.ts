/** The row of an explainer from the numbers of its images, read twice and not held. */
import {RunningMean} from '../mean-of.js';
import type {ComparedImage, ComparisonRow} from './options.js';

/** Adds up one explainer's images: all of them by `add`, then the same ones by `addDeviation`, in the same order. */
export class ComparisonTotals {
  readonly #method: string;
  readonly #means: ReadonlyMap<string, RunningMean>;
  #images = 0;
  #emptyMaps = 0;
  #tiedMaps = 0;

  /** @param names Of the metrics, in the order of the columns. */
  constructor(method: string, names: readonly string[]) {
    this.#method = method;
    this.#means = new Map(names.map((name) => [name, new RunningMean()]));
  }

  add({values, empty, peaks}: ComparedImage): void {
    this.#images++;
    if (empty) this.#emptyMaps++;
    if (peaks > 1) this.#tiedMaps++;
    for (const [name, mean] of this.#means) mean.add(values[name] ?? NaN);
  }

  addDeviation({values}: ComparedImage): void {
    for (const [name, mean] of this.#means) mean.addDeviation(values[name] ?? NaN);
  }

  /** @param perImage The images again, as far as they are wanted in the row. */
  row(perImage: readonly ComparedImage[]): ComparisonRow {
    return {
      method: this.#method,
      images: this.#images,
      emptyMaps: this.#emptyMaps,
      tiedMaps: this.#tiedMaps,
      values: Object.fromEntries([...this.#means].map(([name, mean]) => [name, mean.result()])),
      perImage,
    };
  }
}
