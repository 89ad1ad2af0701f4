/**
 * Work cut into parts, of which several may run at the same time while their results are used one by
 * one in the order of the parts, so that nothing depends on which part is ready first.
 */

/** Items `first` … `first + count − 1`. */
export interface Part {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts `total` items into parts of at most `size`. All but the last are full; with several threads
 * parts are as equal as can be instead, and as many for one thread as for another.
 */
export function* partsOf(total: number, size: number, threads: number = 0): Generator<Part, void, undefined> {
  const turns = Math.ceil(total / (size * Math.max(threads, 1)));
  const each = threads > 1 ? Math.ceil(total / (turns * threads)) : size;
  for (let first = 0; first < total; first += each) yield {first, count: Math.min(each, total - first)};
}

/** How {@link inOrder} goes about it. */
export interface InOrderOptions {
  /** Threads that do the work; 0 for none but this one, and then one piece at a time. @default 0 */
  readonly threads?: number | undefined;
  /** Stops before the next piece is begun, by throwing the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does all pieces of work and yields the results in order. As many pieces are under way as there are
 * threads, and one more is ready for whichever is done first; without threads, a piece is begun when
 * the result before it has been used. Pieces under way when the loop is left go on, and their results
 * and errors are dropped, so they must not hold what their caller has to free.
 *
 * @throws What `work` rejects with, when the turn comes to that piece.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
  options: InOrderOptions = {},
): AsyncGenerator<R, void, undefined> {
  const {threads = 0, signal} = options;
  const begun: Promise<R>[] = [];
  for (const item of items) {
    signal?.throwIfAborted();
    const result = work(item);
    result.catch(() => undefined); // Thrown when its turn comes, if it does.
    begun.push(result);
    if (begun.length > threads) yield await (begun.shift() as Promise<R>);
  }
  for (const result of begun) yield await result;
}
