/** A report as a file. */
import {mkdir} from 'node:fs/promises';
import {basename, dirname} from 'node:path';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {absentMeans, custom, text} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {ImagesInput} from '../core/types.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {toFilePath} from '../files/file-path.js';
import {explainReport} from '../report/explain-report.js';
import {explainReportSchema, type ReportOptions, type ReportSettings} from '../report/options.js';
import {readMapFolder} from './map-folder.js';

const WHERE = 'writeReport';

/** Options of {@link writeReport}: those of `explainReport`, or a folder in place of images, rows and maps. */
export interface WriteReportOptions extends Omit<ReportOptions, 'images'> {
  /** The images, in the order of the comparison; tensors need `preprocessing`. Borrowed. @default those of `folder` */
  readonly images?: ImagesInput | undefined;
  /**
   * Where images, maps and rows lie: a folder that `view` has written, or one with the pictures in `images/` (or in itself), the
   * maps in `maps/METHOD/`, named like their pictures, as JSON or grey pictures, and the rows in `comparison.json`, if any.
   * @default none
   */
  readonly folder?: string | undefined;
}

type WriteReportSettings = Omit<ReportSettings, 'images'> & Pick<Settled<WriteReportOptions, 'images' | 'folder'>, 'images' | 'folder'>;

/** The options of {@link writeReport}. */
export const writeReportSchema: OptionsSchema<WriteReportSettings> = {
  where: WHERE,
  fields: {
    ...explainReportSchema.fields,
    images: absentMeans(
      custom<ImagesInput>('images', () => undefined),
      'those of `folder`',
    ),
    folder: absentMeans(text(), 'none'),
  },
};

/**
 * Writes a report to a file, whole or not at all; see `explainReport` for what it holds. Missing folders are made, a file of that
 * name is replaced.
 *
 * @param file Where the report goes: a path, `file://…` or a URL object.
 * @returns How many bytes it has.
 * @throws {TypeError | RangeError} If an argument is of the wrong kind, or as `explainReport` does.
 * @throws {ModelFileError} If the folder lacks what a report needs, or a file of it cannot be read.
 * @throws {AttentiveError} If sharp is not installed, or the file cannot be written.
 * @example
 * await writeReport('out/report.html', {images, rows, preprocessing: teacher.preprocessing});
 * await writeReport('out/report.html', {folder: 'out/maps'});
 */
export async function writeReport(file: string | URL, options: WriteReportOptions): Promise<number> {
  const target = toFilePath(file, `${WHERE}: file`);
  const {folder, images, ...others} = readOptions(writeReportSchema, options);
  if (folder !== undefined && (images !== undefined || others.rows !== undefined || others.maps !== undefined))
    throw new TypeError(`${WHERE}: folder stands in place of images, rows and maps, so they cannot be given with it.`);
  if (folder === undefined && images === undefined) throw new TypeError(`${WHERE}: images or folder must be given, but neither is.`);
  const subjects =
    folder === undefined ? {images: images as ImagesInput} : await readMapFolder(WHERE, toFilePath(folder, `${WHERE}: folder`));
  const names = others.names ?? ('names' in subjects ? subjects.names : undefined);
  const bytes = new TextEncoder().encode(await explainReport({...others, ...subjects, names}));
  try {
    await mkdir(dirname(target), {recursive: true});
    await writeFileAtomically(dirname(target), basename(target), bytes);
  } catch (cause) {
    throw new AttentiveError(
      `${WHERE}: ${target} cannot be written: ${(cause as Error).message}. Check that it is no folder and may be written.`,
      {cause},
    );
  }
  return bytes.length;
}
