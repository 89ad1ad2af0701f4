/**
 * A checksum that tells other values apart: MurmurHash3 for 32 bits (Austin Appleby, public domain), twice. It guards
 * against mistakes, not against malice, and so runs everywhere: the SHA-256 of browsers is there on secure pages only.
 */

const SEEDS = [0, 0x9747b28c] as const;
const EXPONENT = 0x7f800000;

/**
 * Returns 16 hexadecimal digits. One number that differs always changes them. Subnormal numbers and −0 count as 0,
 * since some GPUs make them so.
 */
export function checksumOf(values: Float32Array | Int32Array | Uint8Array): string {
  const words = values instanceof Uint8Array ? Int32Array.from(values) : values;
  const bits = new Int32Array(words.buffer, words.byteOffset, words.length);
  const read = values instanceof Float32Array ? flushed(bits) : bits;
  return SEEDS.map((seed) => murmur3(read, seed).toString(16).padStart(8, '0')).join('');
}

/** MurmurHash3_x86_32 of 32-bit words, a number from 0 to 2³² − 1. */
export function murmur3(words: Int32Array, seed: number): number {
  let hash = seed;
  for (let index = 0; index < words.length; index++) {
    let word = Math.imul(words[index] as number, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= 4 * words.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function flushed(bits: Int32Array): Int32Array {
  return bits.map((each) => ((each & EXPONENT) === 0 ? 0 : each));
}
