/** Pictures whose truth is known: a square of one colour on grey, which alone decides the class. */

/** Pixels along each side of a picture. */
export const SIDE = 32;

/** The classes: the colour of the square. */
export const COLOURS = ['red', 'green', 'blue'];

const SQUARE = 10;

/**
 * A picture as `decodeImage` gives it.
 *
 * @param {number} index Every index is another picture; its class is `index % 3`.
 * @returns {{data: Uint8ClampedArray, width: number, height: number, channels: 3}}
 */
export function squareOn(index) {
  const region = regionOf(index);
  const data = Uint8ClampedArray.from({length: SIDE * SIDE * 3}, (_, place) =>
    region[Math.floor(place / 3)] === 1 ? (place % 3 === index % 3 ? 220 : 40) : 110 + ((place * 31 + index * 7) % 40),
  );
  return {data, width: SIDE, height: SIDE, channels: 3};
}

/**
 * 1 where the square of a picture is.
 *
 * @param {number} index
 */
export function regionOf(index) {
  const [top, left] = [(index * 29) % (SIDE - SQUARE), (index * 17) % (SIDE - SQUARE)];
  return Uint8Array.from({length: SIDE * SIDE}, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / SIDE), pixel % SIDE];
    return row >= top && row < top + SQUARE && column >= left && column < left + SQUARE ? 1 : 0;
  });
}
