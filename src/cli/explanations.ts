/**
 * The table of what has been explained, as it grows: `explanations.jsonl`, a line for every map, is there after each batch, and what a
 * stopped run has left is gone on with; `explanations.csv` is written at the end, however that comes.
 */
import {appendFile, readFile, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomically} from '../files/atomic-file.js';
import {toCsv} from './csv.js';
import type {FoundPicture} from './find-pictures.js';
import {writing} from './run-record.js';

/** One map. */
export interface Explanation {
  /** The picture, as it was named on the command line. */
  readonly file: string;
  readonly method: string;
  /** Index of the class, its name if that is known, and its score by the model that was asked. */
  readonly target: number;
  readonly class: string | null;
  readonly score: number;
  /** The overlay, relative to the folder of the table. */
  readonly map: string;
  /** Whether the map says nothing: all its values are equal. */
  readonly empty: boolean;
  /** Sparseness: 0 (all pixels alike) to nearly 1 (one pixel has all). */
  readonly gini: number;
  /** Where the map is highest, 0–1 from the left and from the top of the picture. */
  readonly peakX: number;
  readonly peakY: number;
  /** Metrics that were asked for. */
  readonly [metric: string]: unknown;
}

const LINES = 'explanations.jsonl';
const TABLE = 'explanations.csv';

/** The table in a folder. */
export class Explanations {
  readonly #folder: string;
  readonly #pictures: readonly FoundPicture[];
  readonly #columns: readonly string[];
  readonly #byFile = new Map<string, readonly Explanation[]>();

  private constructor(folder: string, pictures: readonly FoundPicture[], columns: readonly string[]) {
    this.#folder = folder;
    this.#pictures = pictures;
    this.#columns = columns;
  }

  /**
   * Opens the table.
   *
   * @param perPicture How many maps a picture has.
   * @param goesOn Whether what is there belongs to the same run. Of it stays what is whole and newer than its picture.
   * @param names The names of the classes, which what is there gets, too: it may be from before they were given.
   */
  static async open(
    folder: string,
    {
      pictures,
      columns,
      perPicture,
      goesOn,
      names,
    }: {
      pictures: readonly FoundPicture[];
      columns: readonly string[];
      perPicture: number;
      goesOn: boolean;
      names: readonly string[] | undefined;
    },
  ): Promise<Explanations> {
    const table = new Explanations(folder, pictures, columns);
    const found = goesOn ? await readLines(join(folder, LINES)) : [];
    for (const picture of pictures) {
      const own = found.filter(({file}) => file === picture.file);
      if (own.length !== perPicture || !(await areNewer(folder, own, picture.path))) continue;
      table.#byFile.set(
        picture.file,
        own.map((each) => ({...each, class: names?.[each.target] ?? each.class})),
      );
    }
    await table.#writeLines();
    return table;
  }

  /** The pictures that are still to be explained. */
  get missing(): FoundPicture[] {
    return this.#pictures.filter(({file}) => !this.#byFile.has(file));
  }

  /** All explanations, in the order of the pictures. */
  get all(): Explanation[] {
    return this.#pictures.flatMap(({file}) => this.#byFile.get(file) ?? []);
  }

  /** How many pictures are explained. */
  get count(): number {
    return this.#byFile.size;
  }

  /** Adds a picture, whose overlays are written. */
  async add(file: string, explanations: readonly Explanation[]): Promise<void> {
    const lines = explanations.map((each) => `${JSON.stringify(each)}\n`).join('');
    await writing(this.#folder, () => appendFile(join(this.#folder, LINES), lines));
    this.#byFile.set(file, explanations);
  }

  /** Writes everything in the order of the pictures. */
  async close(): Promise<void> {
    await this.#writeLines();
    await writing(this.#folder, () => writeFileAtomically(this.#folder, TABLE, toCsv(this.#columns, this.all)));
  }

  async #writeLines(): Promise<void> {
    const lines = this.all.map((each) => `${JSON.stringify(each)}\n`).join('');
    await writing(this.#folder, () => writeFileAtomically(this.#folder, LINES, lines));
  }
}

/** The lines that are whole: a process that was killed may have left a part of the last one. */
async function readLines(path: string): Promise<Explanation[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Explanation];
    } catch {
      return [];
    }
  });
}

/** Whether all overlays are there, and none is older than the picture. */
async function areNewer(folder: string, explanations: readonly Explanation[], picture: string): Promise<boolean> {
  const timeOf = (path: string): Promise<number> =>
    stat(path).then(
      ({mtimeMs}) => mtimeMs,
      () => NaN,
    );
  const made = await Promise.all(explanations.map(({map}) => timeOf(join(folder, map))));
  return Math.min(...made) >= (await timeOf(picture));
}
