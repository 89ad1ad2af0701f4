/**
 * A border that repeats the outermost pixels: what a convolution sees beyond the image where zeros would look like an
 * edge. (The mirrorPad of tfjs has no gradient.)
 */
import {concat, slice, tidy, tile, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';

/**
 * Widens `[N,H,W,C]` so that a 'valid' convolution with a kernel of `kernelSize` gives H×W again, as 'same' does.
 *
 * @returns `[N, H + kernelSize − 1, W + kernelSize − 1, C]`; differentiable.
 */
export function replicateBorder(x: Tensor4D, kernelSize: number): Tensor4D {
  const before = Math.floor((kernelSize - 1) / 2);
  const after = kernelSize - 1 - before;
  return tidy(() => [1, 2].reduce((wide, axis) => widen(wide, axis, before, after), x));
}

function widen(x: Tensor4D, axis: number, before: number, after: number): Tensor4D {
  const parts: Tensor[] = [x];
  if (before > 0) parts.unshift(repeated(x, axis, 0, before));
  if (after > 0) parts.push(repeated(x, axis, (x.shape[axis] as number) - 1, after));
  return parts.length === 1 ? x : (concat(parts, axis) as Tensor4D);
}

/** One line of an image, several times. */
function repeated(x: Tensor4D, axis: number, index: number, times: number): Tensor {
  const along = (value: number, other: number): number[] => [0, 1, 2, 3].map((each) => (each === axis ? value : other));
  const line = slice(x as Tensor, along(index, 0), along(1, -1));
  return times === 1 ? line : tile(line, along(times, 1));
}
