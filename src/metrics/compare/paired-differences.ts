/** Differences of methods on the very same images: far less spread than the difference of two means. */
import {show} from '../../core/check.js';
import {required, text} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {meanOf, type MeanOf} from '../mean-of.js';
import type {ComparedImage, ComparisonRow} from './options.js';

const WHERE = 'pairedDifferences';

/** Options of {@link pairedDifferences}. */
export interface PairedDifferencesOptions {
  /** The method that is subtracted from every other. */
  readonly reference: string;
}

/** One method's differences from the reference. */
export interface PairedDifference {
  /** Name of the explainer. */
  readonly method: string;
  /** What was subtracted. */
  readonly reference: string;
  /** Images that both have. */
  readonly images: number;
  /** Per metric that both have: method minus reference, over the images where both are defined. */
  readonly values: Readonly<Record<string, MeanOf>>;
}

/** The options of {@link pairedDifferences}. */
export const pairedDifferencesSchema: OptionsSchema<Settled<PairedDifferencesOptions>> = {
  where: WHERE,
  fields: {reference: required(text())},
};

/**
 * Subtracts one method from every other, image by image, and averages the differences. Images are matched by
 * their index, so rows may be over different numbers of them (`limits`). Some images are easy for every method
 * and some hard; that cancels here, so the standard error is that of the difference.
 *
 * @param rows What `compare` returned.
 * @returns One entry per other method, in their order. `formatComparison` lays it out, too.
 * @throws {TypeError} If `rows` is no list of rows, or an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} If no row or more than one is the reference, or a row has no image in common with it.
 * @example
 * const [difference] = pairedDifferences(await compare(options), {reference: 'RISE'});
 * const {mean, standardError} = difference.values.insertion;
 */
export function pairedDifferences(rows: readonly ComparisonRow[], options: PairedDifferencesOptions): PairedDifference[] {
  const {reference} = readOptions(pairedDifferencesSchema, options);
  checkRows(rows);
  const named = rows.filter(({method}) => method === reference);
  const [base] = named;
  if (base === undefined || named.length > 1) {
    const methods = rows.map(({method}) => show(method)).join(', ');
    throw new RangeError(
      `${WHERE}: reference must be one of the rows, ${methods || 'of which there are none'}, but is ${show(reference)}.`,
    );
  }
  const ofBase = new Map(base.perImage.map((image) => [image.index, image]));
  return rows.filter((row) => row !== base).map((row) => differenceOf(row, base, ofBase));
}

function differenceOf(row: ComparisonRow, base: ComparisonRow, ofBase: ReadonlyMap<number, ComparedImage>): PairedDifference {
  const {method} = row;
  const pairs = row.perImage.flatMap((image) => {
    const other = ofBase.get(image.index);
    return other === undefined ? [] : [[image, other] as const];
  });
  if (pairs.length === 0) {
    throw new RangeError(`${WHERE}: rows must have images in common with ${show(base.method)}, but ${show(method)} has none.`);
  }
  const names = Object.keys(row.values).filter((name) => Object.hasOwn(base.values, name));
  const values = names.map((name) => {
    const numbers = pairs.map(([image, other]) => (image.values[name] ?? NaN) - (other.values[name] ?? NaN));
    return [name, meanOf(numbers)] as const;
  });
  return {method, reference: base.method, images: pairs.length, values: Object.fromEntries(values)};
}

function checkRows(rows: unknown): void {
  if (!Array.isArray(rows)) throw new TypeError(`${WHERE}: rows must be what compare() gives, but is ${show(rows)}.`);
  for (const [index, row] of (rows as readonly unknown[]).entries()) {
    const {method, values, perImage} = (row ?? {}) as Partial<ComparisonRow>;
    if (typeof method !== 'string' || typeof values !== 'object' || (values as unknown) === null || !Array.isArray(perImage)) {
      throw new TypeError(`${WHERE}: rows[${index}] must be a row of compare(), but is ${show(row)}.`);
    }
  }
}
