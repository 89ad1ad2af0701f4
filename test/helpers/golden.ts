/** Reads a family of expected numbers: NAME.json with arrays inline or in NAME.bin. */
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

/** An array of expected numbers. */
export interface GoldenArray {
  shape: number[];
  values: Float32Array | Float64Array | Int32Array | Uint8Array | Uint16Array;
}

const types = {float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, uint16: Uint16Array};
const folders = [process.env['AKD_GOLDENS'], join(import.meta.dirname, '../golden'), join(import.meta.dirname, '../../../shared/goldens')];

/** Whether the family is at hand: those with photographs are never part of the repository. */
export function hasGolden(family: string): boolean {
  return folders.some((folder) => folder !== undefined && existsSync(join(folder, `${family}.json`)));
}

/** Loads a family; the caller knows its fields. */
export function golden<T>(family: string): T {
  const folder = folders.find((each) => each !== undefined && existsSync(join(each, `${family}.json`)));
  if (folder === undefined) throw new Error(`No expected numbers for ${family}.`);
  const bytes = readFileSync(join(folder, `${family}.bin`));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return read(JSON.parse(readFileSync(join(folder, `${family}.json`), 'utf8')), buffer) as T;
}

function read(value: unknown, buffer: ArrayBuffer): unknown {
  if (Array.isArray(value)) return value.map((item) => read(item, buffer));
  if (value === null || typeof value !== 'object') return value;
  if ('shape' in value && ('data' in value || 'offset' in value)) {
    const {shape, dtype, data, offset} = value as {shape: number[]; dtype: keyof typeof types; data?: number[]; offset?: number};
    const length = shape.reduce((product, size) => product * size, 1);
    const values = data ? types[dtype].from(data) : new types[dtype](buffer, offset, length);
    return {shape, values};
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item, buffer)]));
}
