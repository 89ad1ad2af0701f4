/**
 * Seeded random numbers that split: independent uses draw from independent streams, and a stream
 * depends on its label alone, so that neither batch size nor call order changes a result.
 * The generator is xoroshiro128+ of the package pure-rand; a stream's seed is a hash (FNV-1a, then
 * the finaliser of MurmurHash3) of its parent's seed and its label.
 */
import {xoroshiro128plus} from 'pure-rand/generator/XoroShiro';
import type {RandomGenerator} from 'pure-rand/types/RandomGenerator';
import {checkInteger} from './check.js';

const MAX_SEED = 0xffffffff;

/** A stream of random numbers. Same seed, same numbers, on every machine. */
export class Random {
  /** The whole number in 0–4294967295 that this stream started from. */
  readonly seed: number;
  readonly #generator: RandomGenerator;

  /** @throws {RangeError} If `seed` is not a whole number from 0 to 4294967295. */
  constructor(seed: number) {
    this.seed = checkInteger('seed', seed, 0, MAX_SEED);
    this.#generator = xoroshiro128plus(seed | 0);
  }

  /** Returns a stream of its own for one use or one item; it does not advance this one. */
  split(label: string | number): Random {
    return new Random(hash(this.seed, String(label)));
  }

  /** Draws from [0, 1), 32 bits. */
  next(): number {
    return (this.#generator.unsafeNext() >>> 0) / 0x100000000;
  }

  /** Draws a whole number from 0 to `bound − 1`. */
  int(bound: number): number {
    return Math.floor(this.next() * checkInteger('bound', bound, 1));
  }

  /** Draws from [`low`, `high`). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Draws from the standard normal distribution (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Returns 0 … `length − 1` in random order (Fisher–Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({length}, (_, index) => index);
    for (let last = length - 1; last > 0; last--) {
      const other = this.int(last + 1);
      const kept = order[last] as number;
      order[last] = order[other] as number;
      order[other] = kept;
    }
    return order;
  }
}

function hash(seed: number, label: string): number {
  let value = 0x811c9dc5 ^ seed;
  for (let index = 0; index < label.length; index++) {
    value = Math.imul(value ^ label.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
