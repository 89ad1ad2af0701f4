/** What the page knows, in one place; who shows a part of it is told when that part changes. */
export class Store<T extends object> {
  #state: T;
  readonly #listeners: {keys: readonly (keyof T)[]; call: (state: Readonly<T>) => void}[] = [];

  constructor(initial: T) {
    this.#state = initial;
  }

  get state(): Readonly<T> {
    return this.#state;
  }

  /** Changes some fields, and tells everyone who asked for one that is another now. */
  set(change: Partial<T>): void {
    const changed = (Object.keys(change) as (keyof T)[]).filter((key) => !Object.is(change[key], this.#state[key]));
    if (changed.length === 0) return;
    this.#state = {...this.#state, ...change};
    for (const {keys, call} of this.#listeners) if (keys.some((key) => changed.includes(key))) call(this.#state);
  }

  /** Calls now, and whenever one of the fields changes. */
  watch(keys: readonly (keyof T)[], call: (state: Readonly<T>) => void): void {
    this.#listeners.push({keys, call});
    call(this.#state);
  }
}
