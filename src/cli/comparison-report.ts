/** A comparison as one HTML file. */
import {dirname} from 'node:path';
import type {Tensor3D} from '@tensorflow/tfjs-core';
import {VERSION} from '../core/version.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import {writeReport} from '../node/write-report.js';
import type {Compared, ComparisonWork} from './comparison-work.js';
import {writing} from './run-record.js';

/** Where the report goes. */
export interface ReportPlace {
  readonly file: string;
  /** The method whose differences it shows, if any. */
  readonly reference: string | undefined;
}

/** Writes it. @returns The rows without maps and curves, which it holds. @throws {CommandError} If it cannot be written: exit code 1. */
export async function reportOn(
  {rows, files}: Compared,
  {
    images,
    model,
    asked,
    terminal,
    signal,
  }: Pick<ComparisonWork, 'model' | 'asked' | 'terminal' | 'signal'> & {readonly images: readonly Tensor3D[]},
  {file, reference}: ReportPlace,
): Promise<ComparisonRow[]> {
  const {teacher, flags, backend} = model;
  const bytes = await writing(dirname(file), () =>
    writeReport(file, {
      images: [...images],
      rows,
      names: files,
      preprocessing: teacher.preprocessing,
      labels: model.names,
      title: 'Comparison of saliency methods',
      facts: {
        model: flags.model ?? teacher.name,
        photos: files.length,
        seed: asked.seed,
        backend,
        program: `attentive-distiller ${VERSION}`,
      },
      reference,
      signal,
      onProgress: (progress) => terminal.progress(progress),
    }),
  );
  terminal.text(`Report: ${file} (${(bytes / 1e6).toFixed(1)} MB)\n`);
  return rows.map((row) => ({...row, perImage: row.perImage.map(({map: _map, curves: _curves, ...numbers}) => numbers)}));
}
