/**
 * The elements that a MAT file of version 5 is made of: a tag with type and length, then so many bytes. After "MAT-File
 * Format" (The MathWorks), chapter 1, "Level 5 MAT-File Format".
 */
import {ModelFileError} from '../../core/errors/model-file-error.js';
import type {NumberArrays} from './values.js';

/** Bytes with the order of their numbers, and the file's name for messages. */
export interface MatBytes {
  readonly file: string;
  readonly view: DataView;
  readonly littleEndian: boolean;
}

/** An element: its type, and where its bytes are. */
export interface Element {
  readonly type: number;
  readonly start: number;
  readonly length: number;
  /** Where the next element begins. */
  readonly next: number;
}

/** Types of elements that are not numbers. */
export const MATRIX = 14;
export const COMPRESSED = 15;
const UTF8 = 16;
const UTF16 = 17;
const UTF32 = 18;

interface NumberType {
  readonly bytes: number;
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number | bigint;
}

const numberTypes: Readonly<Record<number, NumberType>> = {
  1: {bytes: 1, read: (view, at) => view.getInt8(at)},
  2: {bytes: 1, read: (view, at) => view.getUint8(at)},
  3: {bytes: 2, read: (view, at, little) => view.getInt16(at, little)},
  4: {bytes: 2, read: (view, at, little) => view.getUint16(at, little)},
  5: {bytes: 4, read: (view, at, little) => view.getInt32(at, little)},
  6: {bytes: 4, read: (view, at, little) => view.getUint32(at, little)},
  7: {bytes: 4, read: (view, at, little) => view.getFloat32(at, little)},
  9: {bytes: 8, read: (view, at, little) => view.getFloat64(at, little)},
  12: {bytes: 8, read: (view, at, little) => view.getBigInt64(at, little)},
  13: {bytes: 8, read: (view, at, little) => view.getBigUint64(at, little)},
};

/** Makes the error of a file that is not as the format says. */
export function damaged({file}: Pick<MatBytes, 'file'>, what: string): ModelFileError {
  return new ModelFileError(`${file}: ${what}. The file is damaged or incomplete; download it again.`);
}

/** Reads the tag at a place. @param end Where what holds the element ends. @throws {ModelFileError} If it does not fit there. */
export function readTag(bytes: MatBytes, at: number, end: number): Element {
  const {view, littleEndian} = bytes;
  if (at + 8 > end) throw damaged(bytes, `the element at byte ${at} is cut off`);
  const word = view.getUint32(at, littleEndian);
  // Up to four bytes stand in the tag itself, their number in its upper half.
  const small = word >>> 16;
  if (small > 4) throw damaged(bytes, `the element at byte ${at} has no valid tag`);
  if (small > 0) return {type: word & 0xffff, start: at + 4, length: small, next: at + 8};
  const length = view.getUint32(at + 4, littleEndian);
  const start = at + 8;
  if (start + length > end) throw damaged(bytes, `the element at byte ${at} is to have ${length} bytes, but there are ${end - start}`);
  // Elements begin at multiples of eight bytes; compressed ones follow each other without a gap, and the last may lack it.
  const padded = word === COMPRESSED ? length : Math.ceil(length / 8) * 8;
  return {type: word, start, length, next: Math.min(start + padded, end)};
}

/** Reads the numbers of an element as they are stored. @throws {ModelFileError} If it holds none. */
export function readStored(bytes: MatBytes, {type, start, length}: Element): (number | bigint)[] {
  const found = numberTypes[type];
  if (found === undefined) throw damaged(bytes, `the element at byte ${start} should hold numbers, but is of type ${type}`);
  if (length % found.bytes !== 0) throw damaged(bytes, `the element at byte ${start} ends within a number`);
  return Array.from({length: length / found.bytes}, (_, index) => found.read(bytes.view, start + index * found.bytes, bytes.littleEndian));
}

const arrays: {readonly [K in keyof NumberArrays]: new (length: number) => NumberArrays[K]} = {
  double: Float64Array,
  single: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};

/**
 * Reads the numbers of an element as an array of their class; MATLAB stores them in the smallest type that holds them.
 *
 * @throws {ModelFileError} If one does not fit its class.
 */
export function readNumbers<K extends keyof NumberArrays>(bytes: MatBytes, element: Element, kind: K): NumberArrays[K] {
  const stored = readStored(bytes, element);
  const numbers = new arrays[kind](stored.length);
  stored.forEach((value, index) => {
    if (!put(numbers, index, value)) throw damaged(bytes, `the value ${value} at byte ${element.start} is no number of the class ${kind}`);
  });
  return numbers;
}

/** Stores a number; false if the array cannot hold it. Only 32-bit floats may round. */
function put(numbers: NumberArrays[keyof NumberArrays], index: number, value: number | bigint): boolean {
  if (numbers instanceof BigInt64Array || numbers instanceof BigUint64Array) {
    if (typeof value === 'number' && !Number.isInteger(value)) return false;
    const whole = BigInt(value);
    numbers[index] = whole;
    return numbers[index] === whole;
  }
  const plain = Number(value);
  numbers[index] = plain;
  const isExact = Object.is(numbers[index], plain) && (typeof value === 'number' || BigInt(plain) === value);
  return isExact || numbers instanceof Float32Array;
}

/**
 * Reads characters, each as a text.
 *
 * @param count How many there are.
 * @throws {ModelFileError} If there are not so many, or the bytes mean none.
 */
export function readCharacters(bytes: MatBytes, element: Element, count: number): string[] {
  const text = decodeText(bytes, element);
  // MATLAB counts the units of UTF-16; other programs count whole characters.
  for (const characters of [text.split(''), Array.from(text)]) if (characters.length === count) return characters;
  throw damaged(bytes, `the text at byte ${element.start} has ${text.length} characters, not ${count}`);
}

function decodeText(bytes: MatBytes, element: Element): string {
  const {type, start, length} = element;
  const {view, littleEndian} = bytes;
  const raw = new Uint8Array(view.buffer, view.byteOffset + start, length);
  try {
    if (type === 1 || type === 2 || type === UTF8) return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(raw);
    if (type === 4 || type === UTF16) {
      return new TextDecoder(littleEndian ? 'utf-16le' : 'utf-16be', {fatal: true, ignoreBOM: true}).decode(raw);
    }
    if (type === UTF32) return String.fromCodePoint(...readStored(bytes, {...element, type: 6}).map(Number));
  } catch (cause) {
    throw new ModelFileError(`${bytes.file}: the text at byte ${start} has bytes that mean no characters.`, {cause});
  }
  throw damaged(bytes, `the element at byte ${start} should hold characters, but is of type ${type}`);
}
