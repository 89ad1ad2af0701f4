/**
 * Fair comparison of two pieces of work inside one process: they run in turn, A B A B …, so that a
 * machine that slows down slows both, and the ratio is the median of the ratios pair by pair.
 */

/** Work to be timed; everything it makes it frees. */
export type Work = () => unknown;

/** Options of {@link timeRatio}. */
export interface TimingOptions {
  /** Pairs that are run first and not counted. @default 1 */
  readonly warmup?: number;
  /** Pairs that are counted. @default 9 */
  readonly repeats?: number;
  /** Runs each work once untimed before it is timed, where one leaves caches, garbage or new weights to the other. @default false */
  readonly settle?: boolean;
}

/** Milliseconds of both sides and their ratio: median, and the range from the first to the third quartile. */
export interface TimedRatio {
  /** `numerator ÷ denominator`, median of the pairs. */
  readonly ratio: number;
  /** Quartiles of the ratio. */
  readonly spread: readonly [low: number, high: number];
  /** Median milliseconds of the numerator. */
  readonly numerator: number;
  /** Median milliseconds of the denominator. */
  readonly denominator: number;
}

/** Times two pieces of work in turn. */
export async function timeRatio(numerator: Work, denominator: Work, options: TimingOptions = {}): Promise<TimedRatio> {
  const {warmup = 1, repeats = 9, settle = false} = options;
  const pairs: (readonly [number, number])[] = [];
  for (let pair = -warmup; pair < repeats; pair++) {
    const times = [await milliseconds(numerator, settle), await milliseconds(denominator, settle)] as const;
    if (pair >= 0) pairs.push(times);
  }
  const ratios = pairs.map(([over, under]) => over / under);
  return {
    ratio: quantile(ratios, 0.5),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    numerator: quantile(
      pairs.map(([over]) => over),
      0.5,
    ),
    denominator: quantile(
      pairs.map(([, under]) => under),
      0.5,
    ),
  };
}

/** One line of a bench's table. */
export function timingRow(
  what: string,
  timed: TimedRatio,
  names: readonly [numerator: string, denominator: string],
): Record<string, string | number> {
  const {ratio, spread, numerator, denominator} = timed;
  return {
    what,
    [`${names[0]} ms`]: Number(numerator.toPrecision(4)),
    [`${names[1]} ms`]: Number(denominator.toPrecision(4)),
    ratio: Number(ratio.toPrecision(4)),
    quartiles: spread.map((value) => value.toPrecision(3)).join('–'),
  };
}

async function milliseconds(work: Work, settle: boolean): Promise<number> {
  if (settle) await work();
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] as number;
  const above = sorted[Math.ceil(at)] as number;
  return below + (above - below) * (at - Math.floor(at));
}
