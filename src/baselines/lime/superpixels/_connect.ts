/**
 * What clustering leaves in pieces, joined and cut (the last step of SLIC, as scikit-image does it):
 * afterwards every segment is connected, save for pieces at the cut.
 */

const NONE = -1;

/**
 * Numbers the connected pieces of a label map in reading order. A piece below `minSize` pixels gets
 * the number of the neighbour that was met last among those already numbered (0 if there is none);
 * one that reaches `maxSize` is cut there, and the rest counts as another piece.
 *
 * @returns New labels from 0.
 */
export function connectSegments(labels: Int32Array, height: number, width: number, minSize: number, maxSize: number): Int32Array {
  const connected = new Int32Array(labels.length).fill(NONE);
  const piece = new Int32Array(Math.max(maxSize, 1));
  let next = 0;
  for (let start = 0; start < labels.length; start++) {
    if (connected[start] !== NONE) continue;
    const {size, neighbour} = collect(start, next);
    if (size < minSize) for (let index = 0; index < size; index++) connected[piece[index] as number] = neighbour;
    else next++;
  }
  return connected;

  /** Numbers the piece around `start`, breadth first. */
  function collect(start: number, number: number): {size: number; neighbour: number} {
    const label = labels[start];
    let size = 1;
    let neighbour = 0;
    connected[start] = number;
    piece[0] = start;
    for (let visited = 0; visited < size && size < maxSize; visited++) {
      const pixel = piece[visited] as number;
      const x = pixel % width;
      const y = (pixel - x) / width;
      // The order decides which neighbour is met last: right, left, below, above.
      for (const beside of [
        x + 1 < width ? pixel + 1 : NONE,
        x > 0 ? pixel - 1 : NONE,
        y + 1 < height ? pixel + width : NONE,
        y > 0 ? pixel - width : NONE,
      ]) {
        if (beside === NONE) continue;
        if (connected[beside] === NONE) {
          if (labels[beside] !== label) continue;
          connected[beside] = number;
          piece[size++] = beside;
          if (size >= maxSize) break;
        } else if (connected[beside] !== number) {
          neighbour = connected[beside] as number;
        }
      }
    }
    return {size, neighbour};
  }
}
