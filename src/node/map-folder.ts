/**
 * A folder of maps, as `view` writes it, or as any other program can: the pictures in `images/` (or in the folder itself), the
 * maps of each method in `maps/METHOD/`, named like their pictures, and the rows of a comparison in `comparison.json`, if any.
 */
import {readdir, readFile} from 'node:fs/promises';
import {join, parse} from 'node:path';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import type {DecodedImage} from '../core/types.js';
import type {ComparedImage, ComparisonRow} from '../metrics/compare/options.js';
import {readMap} from '../metrics/read-map.js';
import type {MeanOf} from '../metrics/mean-of.js';
import type {MapLike} from '../render/pixels.js';
import {decodeImage} from './decode-image.js';
import {listImages} from './list-images.js';

/** What a folder holds. */
export interface MapFolder {
  readonly images: readonly DecodedImage[];
  /** The pictures' files, relative to their folder. */
  readonly names: readonly string[];
  readonly maps: Readonly<Record<string, readonly MapLike[]>>;
  readonly rows: readonly ComparisonRow[] | undefined;
}

/** What `comparison.json` holds, of which each part may be missing. */
export interface ComparisonFile {
  /** Names of the images, in the order of the rows. */
  readonly files?: readonly string[];
  /** The pictures in `images/`, in that order. */
  readonly pictures?: readonly string[];
  /** Names of the methods, by their folders in `maps/`. */
  readonly methods?: Readonly<Record<string, string>>;
  readonly rows?: readonly ComparisonRow[];
}

/**
 * Reads a folder of maps. A map is a JSON file (an object with `data`, `height`, `width`, where `data` is a list of numbers or
 * the base64 of 32-bit floats, or a list of rows), or a grey picture.
 *
 * @throws {ModelFileError} If there are no pictures or no maps, a map is missing, or a file cannot be read.
 */
export async function readMapFolder(where: string, folder: string): Promise<MapFolder> {
  const comparison = await readComparison(where, join(folder, 'comparison.json'));
  const hasOwn = await isFolder(join(folder, 'images'));
  const root = hasOwn ? join(folder, 'images') : folder;
  const found = hasOwn ? await listImages(where, root) : (await listImages(where, root)).filter((file) => !/[\\/]/.test(file));
  const files = comparison?.pictures ?? found;
  const images: DecodedImage[] = [];
  for (const file of files) images.push(await decodeImage(join(root, file)));
  const methods = comparison?.methods ?? Object.fromEntries((await foldersIn(join(folder, 'maps'))).map((name) => [name, name]));
  const maps: Record<string, readonly MapLike[]> = {};
  for (const [directory, method] of Object.entries(methods)) {
    const there = await readdir(join(folder, 'maps', directory)).catch(() => []);
    // A method may have had fewer images than the others.
    const limit = comparison?.rows?.find((row) => row.method === method)?.images ?? files.length;
    if (limit < files.length) continue;
    const own: MapLike[] = [];
    for (const file of files) {
      const name = there.find((each) => parse(each).name === parse(file).name);
      if (name === undefined)
        throw new ModelFileError(
          `${where}: ${join(folder, 'maps', directory)} has no map for ${show(file)}: add one of that name, .json or .png.`,
        );
      own.push(await readMapFile(where, join(folder, 'maps', directory, name)));
    }
    maps[method] = own;
  }
  if (Object.keys(maps).length === 0 && comparison?.rows === undefined)
    throw new ModelFileError(
      `${where}: ${folder} must hold maps/METHOD/NAME.json (or .png) beside its pictures, or a comparison.json, but has neither.`,
    );
  return {images, names: comparison?.files ?? files, maps, rows: comparison?.rows};
}

/** Reads one map. */
export async function readMapFile(where: string, file: string): Promise<MapLike> {
  try {
    if (!file.endsWith('.json')) {
      const {data, width, height, channels = 3} = await decodeImage(file);
      return {data: Float32Array.from({length: width * height}, (_, pixel) => (data[pixel * channels] as number) / 255), width, height};
    }
    const read: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (Array.isArray(read)) {
      const rows = read as number[][];
      const size = [rows.length, rows[0]?.length ?? 0] as const;
      return {data: await readMap('the map', rows, size), height: size[0], width: size[1]};
    }
    const map = (read ?? {}) as MapLike & {readonly data: unknown};
    const data = typeof map.data === 'string' ? floatsOf(map.data) : map.data;
    return {...map, data: await readMap('the map', {...map, data} as MapLike, [map.height, map.width])};
  } catch (cause) {
    throw new ModelFileError(`${where}: ${file} cannot be read as a map: ${(cause as Error).message}`, {cause});
  }
}

/** A map as the text of a file, which {@link readMapFile} reads. */
export function mapText(map: MapLike): string {
  const {buffer} = Float32Array.from(map.data);
  return `${JSON.stringify({...map, data: Buffer.from(buffer).toString('base64')})}\n`;
}

function floatsOf(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

async function readComparison(where: string, file: string): Promise<ComparisonFile | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text) as ComparisonFile;
    return read.rows === undefined ? read : {...read, rows: read.rows.map(revived)};
  } catch (cause) {
    throw new ModelFileError(`${where}: ${file} cannot be read: ${(cause as Error).message}`, {cause});
  }
}

/** JSON has no NaN and writes null. */
function revived(row: ComparisonRow): ComparisonRow {
  const number = (value: number | null): number => value ?? NaN;
  const mean = ({mean: value, standardError, images}: MeanOf): MeanOf => ({
    mean: number(value),
    standardError: number(standardError),
    images,
  });
  const image = (each: ComparedImage): ComparedImage => ({...each, values: mapValues(each.values, number)});
  return {...row, values: mapValues(row.values, mean), perImage: row.perImage.map(image)};
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

async function isFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, {withFileTypes: true}).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({name}) => name)
    .sort();
}
