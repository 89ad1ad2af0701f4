/** Means over images, by name, collected from the means of batches. */
export class Means {
  readonly #sums = new Map<string, number>();
  /** Images so far. */
  count = 0;

  /** Adds the means over `count` images. */
  add(values: Readonly<Record<string, number>>, count: number): void {
    for (const [name, value] of Object.entries(values)) this.#sums.set(name, (this.#sums.get(name) ?? 0) + value * count);
    this.count += count;
  }

  /** Returns the means over all images. */
  values(): Record<string, number> {
    return Object.fromEntries([...this.#sums].map(([name, total]) => [name, total / this.count]));
  }
}
