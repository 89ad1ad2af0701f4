/** The last touches on a map's values: no NaN leaves, and a map without evidence is zeros. */

// Float32 has 24 bits; what varies less than this part of its size is rounding.
const FLAT = 1e-6;

/**
 * Settles a map in place: all-equal values become zeros; with `normalise` the others become
 * `(v − min) / (max − min)`.
 *
 * @returns Whether the map is empty.
 * @throws {RangeError} If a value is not finite.
 */
export function settle(where: string, values: Float32Array, normalise: boolean): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value))
      throw new RangeError(
        `${where}: the map must have finite values, but has ${value}: the model's features or gradients overflow for this image.`,
      );
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high - low;
  if (range <= FLAT * Math.max(Math.abs(low), Math.abs(high))) {
    values.fill(0);
    return true;
  }
  if (normalise) for (let at = 0; at < values.length; at++) values[at] = ((values[at] as number) - low) / range;
  return false;
}
