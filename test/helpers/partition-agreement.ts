/** How much two label maps agree: as partitions, and along their borders. */

/** A label map. */
export interface Partition {
  labels: ArrayLike<number>;
  height: number;
  width: number;
}

/** Adjusted Rand index over all pixels: 1 for the same partition, 0 for chance. */
export function adjustedRand(a: Partition, b: Partition): number {
  const pixels = a.height * a.width;
  const [both, first, second] = [new Map<string, number>(), new Map<number, number>(), new Map<number, number>()];
  const count = <K>(table: Map<K, number>, key: K): Map<K, number> => table.set(key, (table.get(key) ?? 0) + 1);
  for (let pixel = 0; pixel < pixels; pixel++) {
    count(both, `${a.labels[pixel]},${b.labels[pixel]}`);
    count(first, a.labels[pixel]!);
    count(second, b.labels[pixel]!);
  }
  const pairs = (table: Map<unknown, number>): number => [...table.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  const [x, y] = [pairs(first), pairs(second)];
  const chance = (x * y) / ((pixels * (pixels - 1)) / 2);
  return (pairs(both) - chance) / ((x + y) / 2 - chance);
}

/**
 * `2PR / (P + R)` of the borders: P is the share of `a`'s border pixels that have one of `b` within
 * `reach` pixels, R the reverse. A border pixel has another label to its right or below.
 */
export function boundaryF(a: Partition, b: Partition, reach = 2): number {
  const precision = shareNear(borders(a), borders(b), a, reach);
  const recall = shareNear(borders(b), borders(a), a, reach);
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
}

function borders({labels, height, width}: Partition): Uint8Array {
  return Uint8Array.from({length: height * width}, (_, pixel) => {
    const right = pixel % width < width - 1 && labels[pixel] !== labels[pixel + 1];
    const below = pixel + width < height * width && labels[pixel] !== labels[pixel + width];
    return Number(right || below);
  });
}

function shareNear(from: Uint8Array, to: Uint8Array, {height, width}: Partition, reach: number): number {
  let [near, all] = [0, 0];
  for (let pixel = 0; pixel < from.length; pixel++) {
    if (from[pixel] === 0) continue;
    all++;
    if (anyWithin(pixel % width, Math.floor(pixel / width))) near++;
  }
  return all > 0 ? near / all : 0;

  function anyWithin(x: number, y: number): boolean {
    for (let dy = -Math.floor(reach); dy <= reach; dy++) {
      for (let dx = -Math.floor(reach); dx <= reach; dx++) {
        const [ny, nx] = [y + dy, x + dx];
        if (dy * dy + dx * dx <= reach * reach && ny >= 0 && nx >= 0 && ny < height && nx < width && to[ny * width + nx] === 1) return true;
      }
    }
    return false;
  }
}
