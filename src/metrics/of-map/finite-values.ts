/** The check that every measure of a map alone begins with. */

/**
 * Returns the values of a map if there are any and all are finite.
 *
 * @throws {RangeError} If there are none, or one is NaN or infinite.
 */
export function finiteValues(where: string, {data}: {readonly data: ArrayLike<number>}): ArrayLike<number> {
  if (data.length === 0) throw new RangeError(`${where}: map must have values, but is empty.`);
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(data[index]))
      throw new RangeError(`${where}: map must have finite values, but is ${data[index]} at index ${index}.`);
  }
  return data;
}
