/** The floor for every comparison: a map of independent uniform noise. */
import {checkSize} from '../../core/check.js';
import {seedField} from '../../core/common-options.js';
import {integer, number, required, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {SaliencyMap, SeedOptions} from '../../core/types.js';

/** Options of {@link randomMap}; take another seed for every image. */
export interface RandomMapOptions extends SeedOptions {
  /** Rows, at least 1. */
  readonly height: number;
  /** Columns, at least 1. */
  readonly width: number;
  /** Index of the class that it pretends to explain, −1 for a function of the logits. @default 0 */
  readonly target?: number | undefined;
  /** The probability of that class. @default 0 */
  readonly score?: number | undefined;
}

/** The options of {@link randomMap}. */
export const randomMapSchema: OptionsSchema<Settled<RandomMapOptions>> = {
  where: 'randomMap',
  fields: {
    height: required(integer(1)),
    width: required(integer(1)),
    target: withDefault(integer(-1), 0),
    score: withDefault(number(), 0),
    seed: seedField,
  },
};

/**
 * Draws a map whose pixels are uniform in [0,1), independent of each other and of any image.
 *
 * @throws {TypeError} If an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} If one is out of its range, or the map would be too large.
 * @example
 * const map = randomMap({height: 224, width: 224, seed: 7});
 */
export function randomMap(options: RandomMapOptions): SaliencyMap {
  const settings = readOptions(randomMapSchema, options);
  const {height, width, seed, target, score} = settings;
  checkSize('randomMap', height, width);
  const random = new Random(seed).split('random-map');
  const data = Float32Array.from({length: height * width}, () => random.next());
  return {data, height, width, target, score, method: 'random', seed, options: recordOptions(settings), empty: false};
}
