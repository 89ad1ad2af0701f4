/** The last touches on every map, whoever draws it: no NaN leaves, and a map without evidence is zeros. */
import {show} from './check.js';

// Float32 has 24 bits; what varies less than this part of its size is rounding.
const FLAT = 1e-6;

/** The values of a map, settled. */
export interface SettledValues {
  readonly data: Float32Array;
  /** Whether all values were equal, to rounding; `data` then holds zeros. */
  readonly empty: boolean;
}

/**
 * Settles the values of a map, in place where they are a Float32Array: all-equal ones become zeros, with
 * `normalize` the others become `(v − min) / (max − min)`.
 *
 * @param where Names the method in messages.
 * @throws {RangeError} If a value is not finite.
 */
export function settleValues(where: string, values: Float32Array | Float64Array, normalize: boolean = false): SettledValues {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) {
      throw new RangeError(
        `${where}: the map must have finite values, but has ${show(value)}: the model's features or gradients overflow for this image.`,
      );
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high - low;
  const empty = range <= FLAT * Math.max(Math.abs(low), Math.abs(high));
  if (empty) values.fill(0);
  else if (normalize) for (let at = 0; at < values.length; at++) values[at] = ((values[at] as number) - low) / range;
  return {data: values instanceof Float32Array ? values : Float32Array.from(values), empty};
}
