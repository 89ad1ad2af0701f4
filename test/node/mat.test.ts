/** The reader of MAT files against what scipy reads of the same files: scripts/data-sets/mat_reference.py made both. */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {deflateSync} from 'node:zlib';
import {describe, expect, it} from 'vitest';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import {parseMat, readMat} from '../../src/node/mat/read-mat.js';
import {numberOf, structsOf, textOf, textsOf} from '../../src/node/mat/values.js';
import {matAsJson} from '../helpers/mat-as-json.js';

const folder = join(import.meta.dirname, '../fixtures/mat');
const bytesOf = (name: string): Buffer => readFileSync(join(folder, `${name}.mat`));
const read = (content: Uint8Array): unknown =>
  Object.fromEntries([...parseMat('x.mat', content)].map(([name, value]) => [name, matAsJson(value)]));

/** An element: its tag and its bytes, filled up to eight. */
function element(type: number, content: Buffer, length: number = content.length): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(length, 4);
  return Buffer.concat([tag, content, Buffer.alloc(Math.ceil(content.length / 8) * 8 - content.length)]);
}

const int32 = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
const array = (kind: number, dims: number[], ...parts: Buffer[]): Buffer =>
  element(14, Buffer.concat([element(6, int32(kind, 0)), element(5, int32(...dims)), element(1, Buffer.from('x')), ...parts]));
const file = (...elements: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('MATLAB 5.0'.padEnd(124)), Buffer.from([0, 1]), Buffer.from('IM'), ...elements]);
const DOUBLE = 6;

describe('readMat', () => {
  it.each(['plain', 'packed', 'swapped', 'swapped-packed'])('reads what scipy reads: %s', async (name) => {
    const expected = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as {variables: Record<string, unknown>};
    expect(Object.keys(expected.variables)).toHaveLength(25);
    expect(read(bytesOf(name))).toEqual(expected.variables);
    const some = await readMat(join(folder, `${name}.mat`), ['cube', 'records', 'absent']);
    expect([...some.keys()]).toEqual(['cube', 'records']);
    expect(matAsJson(some.get('cube')!)).toEqual(expected.variables['cube']);
  });

  it('takes numbers that MATLAB has stored in a smaller type, as their class', () => {
    expect(read(file(array(DOUBLE, [1, 3], element(2, Buffer.from([1, 2, 250])))))).toEqual({
      x: {kind: 'double', dims: [1, 3], real: [1, 2, 250]},
    });
    expect(read(file(array(14, [1, 2], element(1, Buffer.from([255, 2])))))).toEqual({x: {kind: 'int64', dims: [1, 2], real: ['-1', '2']}});
    // Up to four bytes stand in the tag.
    const small = Buffer.from([2, 0, 3, 0, 7, 8, 9, 0]);
    expect(read(file(array(DOUBLE, [3, 1], small)))).toEqual({x: {kind: 'double', dims: [3, 1], real: [7, 8, 9]}});
  });

  it('reads the two bytes of each character in either order, and characters of two units', () => {
    const characters = (order: 'LE' | 'BE', type: number, text: string, count: number): Buffer => {
      const word = (...values: number[]): Buffer => {
        const bytes = Buffer.alloc(4 * values.length);
        values.forEach((value, index) => bytes[`writeUInt32${order}`](value, 4 * index));
        return bytes;
      };
      const units = Buffer.from(text, 'utf16le');
      if (order === 'BE') units.swap16();
      const parts = [word(6, 8, 4, 0), word(5, 8, 1, count), word((1 << 16) | 1), Buffer.from('x\0\0\0'), word(type, units.length), units];
      const content = Buffer.concat([...parts, Buffer.alloc((8 - (units.length % 8)) % 8)]);
      const version = order === 'LE' ? Buffer.from([0, 1, 0x49, 0x4d]) : Buffer.from([1, 0, 0x4d, 0x49]);
      return Buffer.concat([Buffer.from('MATLAB 5.0'.padEnd(124)), version, word(14, content.length), content]);
    };
    for (const order of ['LE', 'BE'] as const) {
      for (const type of [4, 17]) {
        expect(read(characters(order, type, 'é日x', 3))).toEqual({x: {kind: 'char', dims: [1, 3], characters: ['é', '日', 'x']}});
      }
      // MATLAB counts units; a program that counts characters is understood as well.
      for (const count of [2, 3]) expect(textOf('t', parseMat('x', characters(order, 17, 'a🐦', count)).get('x'))).toBe('a🐦');
    }
  });

  it.each(['version-4', 'sparse', 'object'])('refuses %s, and says what to do', (name) => {
    const message = {'version-4': /version 4, .*-v7/, sparse: /'x' is a sparse matrix/, object: /'x' is an object/}[name]!;
    expect(() => read(bytesOf(name))).toThrow(ModelFileError);
    expect(() => read(bytesOf(name))).toThrow(message);
    if (name !== 'version-4') expect([...parseMat('x.mat', bytesOf(name), ['before']).keys()]).toEqual(['before']);
  });

  it('refuses HDF5, whatever its header is', () => {
    const header = file();
    header.writeUInt16LE(0x0200, 124);
    expect(() => read(header)).toThrow(/version 7\.3 \(HDF5\)/);
    expect(() => read(Buffer.concat([Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), Buffer.alloc(200)]))).toThrow(/7\.3/);
    header.writeUInt16LE(0x0300, 124);
    expect(() => read(header)).toThrow(/version 0x300/);
    expect(() => read(Buffer.from('x'.repeat(200)))).toThrow(/does not say the byte order/);
    expect(() => read(Buffer.from('MATLAB'))).toThrow(/6 bytes are no MAT file/);
  });

  it.each<[string, Buffer, RegExp]>([
    ['a function handle', array(16, [1, 1]), /function handle/],
    ['an unknown class', array(40, [1, 1]), /unknown class 40/],
    ['fewer values than its size says', array(DOUBLE, [2, 2], element(9, Buffer.alloc(8))), /has 1 values for 2×2/],
    ['a value that its class cannot hold', array(9, [1, 1], element(3, Buffer.from([0, 1]))), /value 256 .* class uint8/],
    ['a whole number that is none', array(14, [1, 1], element(9, Buffer.from(Float64Array.of(0.5).buffer))), /value 0\.5 .* class int64/],
    ['more cells than there are bytes for', array(1, [2 ** 30, 2 ** 30]), /1073741824×1073741824 elements/],
    ['a negative size', array(DOUBLE, [-1, 2], element(9, Buffer.alloc(0))), /size -1×2/],
    ['an element that is longer than the file', element(14, Buffer.alloc(8), 4000), /4000 bytes, but there are 8/],
    ['a number cut in two', array(DOUBLE, [1, 1], element(9, Buffer.alloc(7))), /ends within a number/],
    ['packed bytes that are broken', element(15, deflateSync(Buffer.alloc(50)).subarray(0, 9)), /cannot be unpacked/],
    ['bytes that mean no characters', array(4, [1, 1], element(16, Buffer.from([0xff]))), /mean no characters/],
    ['another number of characters', array(4, [1, 3], element(16, Buffer.from('ab'))), /has 2 characters, not 3/],
  ])('says what is wrong with %s', (_, content, message) => {
    expect(() => read(file(content))).toThrow(ModelFileError);
    expect(() => read(file(content))).toThrow(message);
  });

  it('answers every cut and every changed byte with values or its own error', () => {
    const whole = bytesOf('plain');
    for (let index = 0; index < whole.length; index += 3) {
      const changed = Buffer.from(whole);
      changed.writeUInt8((changed.readUInt8(index) + 1 + (index % 200)) & 255, index);
      for (const content of [whole.subarray(0, index), changed]) {
        try {
          read(content);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelFileError);
        }
      }
    }
  });

  it('leaves no stack overflow to cells in cells', () => {
    let nested = array(1, [0, 0]);
    for (let depth = 0; depth < 3000; depth++) nested = array(1, [1, 1], nested);
    expect(() => read(file(nested))).toThrow(/nested more than 200 deep/);
  });

  it('holds fixtures with what scipy read of each', () => {
    const names = readdirSync(folder).map((name) => name.replace(/\.\w+$/, ''));
    expect([...new Set(names)].sort()).toEqual(['object', 'packed', 'plain', 'sparse', 'swapped', 'swapped-packed', 'version-4']);
  });
});

describe('values of annotations', () => {
  const variables = parseMat('x.mat', bytesOf('plain'));

  it('are texts, numbers, lists of texts and structs', () => {
    expect(textOf('t', variables.get('unicode'))).toBe('Citroën 日本');
    expect(textOf('t', variables.get('empty_text'))).toBe('');
    const names = structsOf('r', variables.get('records'), (field) => field('name', textOf));
    expect(names).toEqual(['é中', 'é中x', 'é中xx']);
    expect(structsOf('one', variables.get('one'), (field) => field('a', numberOf))).toEqual([1]);
  });

  it('are refused by their place where they are something else', () => {
    expect(() => textOf('x.mat: text', variables.get('cube'))).toThrow(
      /x\.mat: text must be a text, but is a 2×3×4 array of numbers \(uint8\)/,
    );
    expect(() => textOf('t', variables.get('rows'))).toThrow(/must be a text, but is the text/);
    expect(() => numberOf('n', variables.get('special'))).toThrow(/one finite number/);
    expect(() => numberOf('n', undefined)).toThrow(/but is missing/);
    expect(() => textsOf('c', variables.get('cells'))).toThrow(/c\{2\} must be a text|c\{3\}/);
    expect(() => structsOf('r', variables.get('records'), (field) => field('absent', textOf))).toThrow(
      /r\(1\)\.absent must be a text, but is missing/,
    );
    expect(() => structsOf('r', variables.get('text'), () => 0)).toThrow(/array of structs/);
  });
});
