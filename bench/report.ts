/** What a bench gives back. */

/** One line of the table: texts and numbers by column. */
export type BenchRow = Readonly<Record<string, string | number>>;

/** The rows of a bench, and its ratios by name: `trainStep.resnet50_224_b1`, … */
export interface BenchResult {
  readonly rows: readonly (BenchRow | object)[];
  readonly ratios: Readonly<Record<string, number>>;
}

/** A bench: takes the rest of the command line. */
export type Bench = (args: string[]) => Promise<BenchResult>;

/** What is written as JSON. */
export interface BenchReport extends BenchResult {
  readonly name: string;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
}
