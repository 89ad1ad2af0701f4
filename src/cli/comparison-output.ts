/** What a comparison has come to: on the screen, as records, and as tables in a folder. */
import {join} from 'node:path';
import {VERSION} from '../core/version.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {formatComparison} from '../metrics/compare/format-comparison.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import {pairedDifferences} from '../metrics/compare/paired-differences.js';
import {toCsv} from './csv.js';
import {writing} from './run-record.js';
import type {Terminal} from './terminal.js';

/** A comparison that is done. */
export interface Comparison {
  readonly rows: readonly ComparisonRow[];
  /** The photos, by the index of an image in the rows. */
  readonly files: readonly string[];
  /** Of the classes. */
  readonly names: readonly string[] | undefined;
  /** What it depends on, for the record. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Where it goes. */
export interface ComparisonOutput {
  /** The folder for the tables, if they are wanted. */
  readonly out: string | undefined;
  /** The method whose differences are told, if any. */
  readonly reference: string | undefined;
  readonly terminal: Terminal;
}

/** Tells a comparison, and writes it down. @throws {CommandError} If the folder cannot be written: exit code 1. */
export async function tellComparison(comparison: Comparison, {out, reference, terminal}: ComparisonOutput): Promise<void> {
  const {rows} = comparison;
  terminal.endProgress();
  terminal.text(formatComparison(rows, {standardErrors: true}));
  if (reference !== undefined) {
    const differences = pairedDifferences(rows, {reference});
    terminal.text(`\nLess ${reference}, image by image:\n${formatComparison(differences, {standardErrors: true})}`);
  }
  for (const row of rows) terminal.record({...row, perImage: undefined});
  if (out === undefined) return;
  await writing(out, () => write(out, comparison));
  const [means, images, all] = ['comparison.csv', 'comparison-images.csv', 'comparison.json'].map((name) => join(out, name));
  terminal.text(`\nTables: ${means}, for each image ${images}; both: ${all}`);
}

/** Writes the means, the numbers of every image, and all of it for programs. */
async function write(out: string, {rows, files, names, settings}: Comparison): Promise<void> {
  const metrics = Object.keys(rows[0]?.values ?? {});
  const means = rows.map(({method, images, emptyMaps, tiedMaps, values}) => ({
    method,
    images,
    emptyMaps,
    tiedMaps,
    ...Object.fromEntries(
      Object.entries(values).flatMap(([name, {mean, standardError}]) => [
        [name, mean],
        [`${name} standard error`, standardError],
      ]),
    ),
  }));
  const perImage = rows.flatMap(({method, perImage: all}) =>
    all.map(({index, target, score, explained, empty, values}) => ({
      file: files[index],
      method,
      target,
      class: names?.[target] ?? null,
      score,
      explained,
      empty,
      ...values,
    })),
  );
  const meanColumns = ['method', 'images', 'emptyMaps', 'tiedMaps', ...metrics.flatMap((name) => [name, `${name} standard error`])];
  const imageColumns = ['file', 'method', 'target', 'class', 'score', 'explained', 'empty', ...metrics];
  await writeFileAtomically(out, 'comparison.csv', toCsv(meanColumns, means));
  await writeFileAtomically(out, 'comparison-images.csv', toCsv(imageColumns, perImage));
  await writeFileAtomically(
    out,
    'comparison.json',
    `${JSON.stringify({settings: {program: `attentive-distiller ${VERSION}`, ...settings}, files, rows}, undefined, 1)}\n`,
  );
}
