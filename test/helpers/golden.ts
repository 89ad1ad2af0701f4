/** Reads a family of expected numbers: NAME.json with arrays inline or in NAME.bin. */
import {goldenFolders, readBytes} from './files.js';

/** An array of expected numbers. */
export interface GoldenArray {
  shape: number[];
  values: Float32Array | Float64Array | Int32Array | Uint8Array | Uint16Array;
}

const types = {float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, uint16: Uint16Array};
/** Whether the family is at hand: those with photographs are never part of the repository. */
export async function hasGolden(family: string): Promise<boolean> {
  return (await find(family)) !== undefined;
}

/** Loads a family; the caller knows its fields. */
export async function golden<T>(family: string): Promise<T> {
  const found = await find(family);
  if (found === undefined) throw new Error(`No expected numbers for ${family}.`);
  const bytes = (await readBytes(`${found.folder}/${family}.bin`)) ?? new ArrayBuffer(0);
  return read(JSON.parse(new TextDecoder().decode(found.json)), bytes) as T;
}

async function find(family: string): Promise<{folder: string; json: ArrayBuffer} | undefined> {
  for (const folder of goldenFolders) {
    const json = await readBytes(`${folder}/${family}.json`);
    if (json !== undefined) return {folder, json};
  }
  return undefined;
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
