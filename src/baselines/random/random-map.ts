/** The floor for every comparison: a map of independent uniform noise. */
import {checkInteger} from '../../core/check.js';
import {Random} from '../../core/random.js';
import type {SaliencyMap} from '../../core/types.js';

/** Options of {@link randomMap}. */
export interface RandomMapOptions {
  /** Rows, at least 1. */
  readonly height: number;
  /** Columns, at least 1. */
  readonly width: number;
  /** 0–4294967295; another seed for every image. @default 0 */
  readonly seed?: number | undefined;
  /** The class it pretends to explain. @default 0 */
  readonly target?: number | undefined;
  /** The probability of that class. @default 0 */
  readonly score?: number | undefined;
}

/**
 * Draws a map whose pixels are uniform in [0,1), independent of each other and of any image.
 *
 * @throws {RangeError} If a size, the seed or the target is not a whole number in its range.
 */
export function randomMap(options: RandomMapOptions): SaliencyMap {
  const {height, width, seed = 0, target = 0, score = 0} = options;
  checkInteger('randomMap: height', height, 1);
  checkInteger('randomMap: width', width, 1);
  checkInteger('randomMap: target', target);
  const random = new Random(seed).split('random-map');
  const data = Float32Array.from({length: height * width}, () => random.next());
  return {data, height, width, target, score, method: 'random', seed, options: {}, empty: false};
}
