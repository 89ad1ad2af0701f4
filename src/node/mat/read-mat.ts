/**
 * Reads MAT files of version 5, which MATLAB 5 to 7.2 wrote and `-v7` still does: numbers, characters, cells and
 * structs, compressed or not, in both byte orders. Ours, because the one reader on npm is GPL-3.0. After "MAT-File
 * Format" (The MathWorks), chapter 1.
 */
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {nodeBuiltin} from '../../core/node-builtin.js';
import {readRegularFile} from '../../files/model-json.js';
import {COMPRESSED, damaged, MATRIX, readCharacters, readNumbers, readStored, readTag, type Element, type MatBytes} from './elements.js';
import {elementCount, type MatNumbers, type MatValue, type NumberArrays} from './values.js';

const HEADER = 128;
/** A file of a few bytes can unpack to anything. */
const MAX_UNPACKED = 2 ** 30;
/** Far more than files have; each level needs a part of the stack. */
const MAX_DEPTH = 200;

const CELL = 1;
const STRUCT = 2;
const CHAR = 4;
const numberClasses: Readonly<Record<number, keyof NumberArrays>> = {
  6: 'double',
  7: 'single',
  8: 'int8',
  9: 'uint8',
  10: 'int16',
  11: 'uint16',
  12: 'int32',
  13: 'uint32',
  14: 'int64',
  15: 'uint64',
};
const refusedClasses: Readonly<Record<number, string>> = {
  3: 'an object',
  5: 'a sparse matrix',
  16: 'a function handle',
  17: 'an object of a class of its own',
};

/**
 * Reads variables of a MAT file.
 *
 * @param names Those that are wanted; all, if left out. Of others the names alone are read.
 * @returns The variables that are there, by name.
 * @throws {ModelFileError} If the file is missing, damaged, of another version (4, or 7.3, which is HDF5), or a wanted
 *   variable is sparse, an object or a function handle, or holds one.
 */
export async function readMat(file: string, names?: readonly string[]): Promise<Map<string, MatValue>> {
  return parseMat(file, await readRegularFile(file), names);
}

/** As {@link readMat}, from the bytes of a file. */
export function parseMat(file: string, content: Uint8Array, names?: readonly string[]): Map<string, MatValue> {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const outer: MatBytes = {file, view, littleEndian: isLittleEndian(file, view)};
  const variables = new Map<string, MatValue>();
  for (let at = HEADER; at < view.byteLength;) {
    const element = readTag(outer, at, view.byteLength);
    at = element.next;
    const [bytes, matrix] = element.type === COMPRESSED ? unpack(outer, element) : [outer, element];
    if (matrix.type !== MATRIX) throw damaged(bytes, `the element before byte ${at} is no variable, but of type ${matrix.type}`);
    const {head, name} = readHead(bytes, matrix);
    if (names === undefined || names.includes(name)) variables.set(name, readArray(bytes, head, `the variable '${name}'`, 0));
  }
  return variables;
}

/** Checks the header. @throws {ModelFileError} If the file is of another kind. */
function isLittleEndian(file: string, view: DataView): boolean {
  const text = (start: number, length: number): string =>
    String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + start, Math.min(length, Math.max(0, view.byteLength - start))));
  const other = (version: string): ModelFileError =>
    new ModelFileError(
      `${file} is a MAT file of version ${version}, which is not read here; load it in MATLAB and write it with save(file, '-v7').`,
    );
  if (text(0, 8) === '\x89HDF\r\n\x1a\n') throw other('7.3 (HDF5)');
  // The header of version 5 is text; version 4 begins with a number below 5000.
  if (view.byteLength >= 20 && text(0, 4).includes('\0')) throw other('4');
  if (view.byteLength < HEADER) throw damaged({file}, `${view.byteLength} bytes are no MAT file, whose header alone has ${HEADER}`);
  const order = text(126, 2);
  if (order !== 'IM' && order !== 'MI')
    throw new ModelFileError(`${file} is no MAT file of version 5: its header does not say the byte order.`);
  const version = view.getUint16(124, order === 'IM');
  if (version === 0x0200) throw other('7.3 (HDF5)');
  if (version !== 0x0100) throw other(`0x${version.toString(16)}`);
  return order === 'IM';
}

/** Unpacks a compressed element, which holds one other. */
function unpack(outer: MatBytes, {start, length}: Element): [MatBytes, Element] {
  const packed = new Uint8Array(outer.view.buffer, outer.view.byteOffset + start, length);
  let content: Uint8Array;
  try {
    content = nodeBuiltin('node:zlib').inflateSync(packed, {maxOutputLength: MAX_UNPACKED});
  } catch (cause) {
    throw new ModelFileError(
      `${outer.file}: the compressed variable at byte ${start} cannot be unpacked: ${(cause as Error).message}. The file is damaged or incomplete; download it again.`,
      {cause},
    );
  }
  const bytes = {...outer, view: new DataView(content.buffer, content.byteOffset, content.byteLength)};
  return [bytes, readTag(bytes, 0, content.byteLength)];
}

/** What stands before the contents of an array. */
interface ArrayHead {
  readonly kind: number;
  readonly complex: boolean;
  readonly logical: boolean;
  readonly dims: readonly number[];
  /** Where the contents begin, and where the array ends. */
  readonly at: number;
  readonly end: number;
}

function readHead(bytes: MatBytes, {start, length}: Element): {head: ArrayHead; name: string} {
  const end = start + length;
  const flags = readTag(bytes, start, end);
  const [word = 0] = readStored(bytes, flags).map(Number);
  const size = readTag(bytes, flags.next, end);
  const dims = readStored(bytes, size).map(Number);
  if (dims.length < 2 || dims.some((each) => !(each >= 0)))
    throw damaged(bytes, `the array at byte ${start} has the size ${dims.join('×')}`);
  const title = readTag(bytes, size.next, end);
  const name = readName(bytes, title);
  const head = {kind: word & 0xff, complex: (word & 0x800) !== 0, logical: (word & 0x200) !== 0, dims, at: title.next, end};
  return {head, name};
}

function readName({view}: MatBytes, {start, length}: Pick<Element, 'start' | 'length'>): string {
  // What follows a zero is left over from a longer name.
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + start, length)).split('\0', 1)[0] as string;
}

/** Reads the contents of an array. @param place Names it in messages. */
function readArray(bytes: MatBytes, head: ArrayHead, place: string, depth: number): MatValue {
  const {kind, dims, at, end} = head;
  const refused = refusedClasses[kind];
  if (refused !== undefined) {
    throw new ModelFileError(`${bytes.file}: ${place} is ${refused}, which is not read here; store it as numbers, text, cells or structs.`);
  }
  if (depth > MAX_DEPTH) throw damaged(bytes, `${place} is nested more than ${MAX_DEPTH} deep`);
  const numbers = numberClasses[kind];
  if (numbers !== undefined) return readNumberArray(bytes, head, numbers, place);
  const count = elementCount(dims);
  if (kind === CHAR) return {kind: 'char', dims, characters: readCharacters(bytes, readTag(bytes, at, end), count)};
  const items = itemReader(bytes, end, depth);
  if (kind === CELL) {
    checkCount(bytes, head, count, place);
    return {kind: 'cell', dims, cells: items(at, count, (index) => `${place}{${index + 1}}`)};
  }
  if (kind !== STRUCT) throw damaged(bytes, `${place} is of the unknown class ${kind}`);
  const lengthOfNames = readTag(bytes, at, end);
  const [each = 0] = readStored(bytes, lengthOfNames).map(Number);
  const list = readTag(bytes, lengthOfNames.next, end);
  if (each < 1 || list.length % each !== 0) throw damaged(bytes, `${place} has no valid list of fields`);
  const names = Array.from({length: list.length / each}, (_, index) => readName(bytes, {start: list.start + index * each, length: each}));
  if (new Set(names).size !== names.length) throw damaged(bytes, `${place} has two fields of the same name`);
  checkCount(bytes, head, count * names.length, place);
  // Struct after struct, each with all of its fields.
  const values = items(list.next, count * names.length, (index) => `${place}.${names[index % names.length]}`);
  const fields = new Map(names.map((name, field) => [name, values.filter((_, index) => index % names.length === field)]));
  return {kind: 'struct', dims, fields};
}

function readNumberArray(bytes: MatBytes, head: ArrayHead, kind: keyof NumberArrays, place: string): MatNumbers {
  const {dims, complex, logical, at, end} = head;
  const first = readTag(bytes, at, end);
  const second = complex ? readTag(bytes, first.next, end) : undefined;
  const real = readNumbers(bytes, first, kind);
  const imaginary = second && readNumbers(bytes, second, kind);
  const count = elementCount(dims);
  for (const part of [real, imaginary]) {
    if (part !== undefined && part.length !== count) throw damaged(bytes, `${place} has ${part.length} values for ${dims.join('×')}`);
  }
  return {kind, dims, real, imaginary, logical};
}

/** Makes a function that reads arrays one after the other. */
function itemReader(
  bytes: MatBytes,
  end: number,
  depth: number,
): (at: number, count: number, placeOf: (index: number) => string) => MatValue[] {
  return (start, count, placeOf) => {
    let at = start;
    return Array.from({length: count}, (_, index) => {
      const element = readTag(bytes, at, end);
      at = element.next;
      if (element.type !== MATRIX) throw damaged(bytes, `${placeOf(index)} is no array, but of type ${element.type}`);
      // An array that nobody has filled has no contents at all.
      if (element.length === 0) return {kind: 'double', dims: [0, 0], real: new Float64Array(0), imaginary: undefined, logical: false};
      return readArray(bytes, readHead(bytes, element).head, placeOf(index), depth + 1);
    });
  };
}

/** Refuses a count that the bytes cannot hold before anything of that length is made. */
function checkCount(bytes: MatBytes, {at, end, dims}: ArrayHead, count: number, place: string): void {
  if (count * 8 > end - at) throw damaged(bytes, `${place} is to have ${dims.join('×')} elements, for which there are too few bytes`);
}
