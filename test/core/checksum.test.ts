import {describe, expect, it} from 'vitest';
import {checksumOf, murmur3} from '../../src/core/checksum.js';

const words = (text: string): Int32Array => new Int32Array(new TextEncoder().encode(text).buffer);

describe('murmur3()', () => {
  // Published test vectors of MurmurHash3_x86_32, those whose length is a multiple of four bytes.
  it.each<[Int32Array, number, number]>([
    [words(''), 0, 0],
    [words(''), 1, 0x514e28b7],
    [words(''), 0xffffffff, 0x81f16f39],
    [Int32Array.of(0), 0, 0x2362f9de],
    [Int32Array.of(-1), 0, 0x76293b50],
    [Int32Array.of(0x87654321 | 0), 0, 0xf55b516b],
    [Int32Array.of(0x87654321 | 0), 0x5082edee, 0x2362f9de],
    [words('test'), 0, 0xba6bd213],
    [words('test'), 0x9747b28c, 0x704b81dc],
    [words('aaaa'), 0x9747b28c, 0x5a97808a],
    [words('abcd'), 0x9747b28c, 0xf0478627],
  ])('gives the published number for %o with seed %d', (input, seed, expected) => {
    expect(murmur3(input, seed)).toBe(expected);
  });
});

describe('checksumOf()', () => {
  it('is both hashes, and tells numbers apart by their last bit', () => {
    expect(checksumOf(new Int32Array(words('test')))).toBe('ba6bd213704b81dc');
    const values = Float32Array.from({length: 1000}, (_, index) => Math.sin(index));
    const first = checksumOf(values);
    new Int32Array(values.buffer)[537]! ^= 1;
    expect(checksumOf(values)).not.toBe(first);
    new Int32Array(values.buffer)[537]! ^= 1;
    expect(checksumOf(values)).toBe(first);
    expect(checksumOf(values.subarray(1))).toBe(checksumOf(values.slice(1)));
    expect(checksumOf(values.subarray(1))).not.toBe(first);
  });

  it('takes what some GPUs make zero as zero, and leaves its argument as it is', () => {
    const tiny = Float32Array.of(1, -0, 1e-40, -1e-40);
    expect(checksumOf(tiny)).toBe(checksumOf(Float32Array.of(1, 0, 0, 0)));
    expect(tiny).toEqual(Float32Array.of(1, -0, 1e-40, -1e-40));
    expect(checksumOf(Float32Array.of(1, 0, 0, 1.2e-38))).not.toBe(checksumOf(Float32Array.of(1, 0, 0, 0)));
  });

  it('takes whole numbers and bytes', () => {
    expect(checksumOf(Uint8Array.of(1, 0, 1))).toBe(checksumOf(Int32Array.of(1, 0, 1)));
    expect(checksumOf(Uint8Array.of(1, 0, 1))).not.toBe(checksumOf(Uint8Array.of(1, 1, 1)));
  });
});
