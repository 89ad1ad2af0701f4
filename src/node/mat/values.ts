/** What a MAT file holds, and the plain values that annotations are made of. */
import {show} from '../../core/check.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';

/** The arrays of numbers that MATLAB has, by the names of its classes. */
export interface NumberArrays {
  readonly double: Float64Array;
  readonly single: Float32Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
}

/** An array of numbers, in MATLAB's order: the first index runs fastest. */
export interface MatNumbers {
  readonly kind: keyof NumberArrays;
  readonly dims: readonly number[];
  readonly real: NumberArrays[keyof NumberArrays];
  /** Only of complex numbers. */
  readonly imaginary: NumberArrays[keyof NumberArrays] | undefined;
  /** Whether they mean true and false. */
  readonly logical: boolean;
}

/** An array of characters, each a text of its own, in MATLAB's order. */
export interface MatChars {
  readonly kind: 'char';
  readonly dims: readonly number[];
  readonly characters: readonly string[];
}

/** An array of anything. */
export interface MatCells {
  readonly kind: 'cell';
  readonly dims: readonly number[];
  readonly cells: readonly MatValue[];
}

/** An array of structs: the values of each field, one for each struct. */
export interface MatStructs {
  readonly kind: 'struct';
  readonly dims: readonly number[];
  readonly fields: ReadonlyMap<string, readonly MatValue[]>;
}

export type MatValue = MatNumbers | MatChars | MatCells | MatStructs;

/** How many elements an array has. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, length) => product * length, 1);
}

/**
 * Returns the text of a row of characters, or of nothing.
 *
 * @param where Names the file and the place in messages.
 * @throws {ModelFileError} If it is something else.
 */
export function textOf(where: string, value: MatValue | undefined): string {
  if (value?.kind === 'char' && (elementCount(value.dims) === 0 || (value.dims.length === 2 && value.dims[0] === 1))) {
    return value.characters.join('');
  }
  throw new ModelFileError(`${where} must be a text, but is ${describe(value)}.`);
}

/**
 * Returns the only number of an array.
 *
 * @throws {ModelFileError} If it is something else, or not finite.
 */
export function numberOf(where: string, value: MatValue | undefined): number {
  if (value !== undefined && 'real' in value && value.imaginary === undefined && value.real.length === 1) {
    const number = Number(value.real[0]);
    if (Number.isFinite(number)) return number;
  }
  throw new ModelFileError(`${where} must be one finite number, but is ${describe(value)}.`);
}

/** Returns the texts of a cell array. @throws {ModelFileError} If it is something else. */
export function textsOf(where: string, value: MatValue | undefined): string[] {
  if (value?.kind === 'cell') return value.cells.map((cell, index) => textOf(`${where}{${index + 1}}`, cell));
  throw new ModelFileError(`${where} must be a cell array of texts, but is ${describe(value)}.`);
}

/**
 * Reads each struct of an array.
 *
 * @param read Is given a function that reads a field with {@link textOf} or {@link numberOf}.
 * @throws {ModelFileError} If it is no array of structs, or lacks a field.
 */
export function structsOf<T>(
  where: string,
  value: MatValue | undefined,
  read: (field: <V>(name: string, as: (where: string, value: MatValue | undefined) => V) => V, index: number) => T,
): T[] {
  if (value?.kind !== 'struct') throw new ModelFileError(`${where} must be an array of structs, but is ${describe(value)}.`);
  return Array.from({length: elementCount(value.dims)}, (_, index) =>
    read((name, as) => as(`${where}(${index + 1}).${name}`, value.fields.get(name)?.[index]), index),
  );
}

/** Says what a value is. */
export function describe(value: MatValue | undefined): string {
  if (value === undefined) return 'missing';
  const size = value.dims.join('×');
  if (value.kind === 'char') return elementCount(value.dims) <= 40 ? `the text ${show(value.characters.join(''))}` : `${size} characters`;
  return `a ${size} array of ${value.kind === 'cell' ? 'cells' : value.kind === 'struct' ? 'structs' : `numbers (${value.kind})`}`;
}
