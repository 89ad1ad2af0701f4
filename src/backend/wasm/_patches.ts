/**
 * Writes the patches that a convolution reads, one after the other: `[pixels, kernel height ·
 * kernel width · channels]`, also known as im2col. Along a row of the kernel the channels of
 * neighbouring pixels lie side by side in memory, so most of it is copying of whole runs.
 */
import type {ConvGeometry} from './_geometry.js';

/** Below this many floats a plain loop beats the call of `copyWithin`. */
const shortRun = 24;

/**
 * Fills the patches of output rows `firstRow` to `endRow − 1`, rows counted through the batch.
 *
 * @param heap What holds both the images and the patches.
 * @param from Where the images `[N,H,W,C]` start.
 * @param to Where the first patch goes.
 */
export function fillPatches(heap: Float32Array, from: number, to: number, geometry: ConvGeometry, firstRow: number, endRow: number): void {
  const {inChannels: channels, rows, columns} = geometry;
  const lineLength = columns.kernelSize * channels;
  let at = to;
  for (let row = firstRow; row < endRow; row++) {
    const image = Math.floor(row / rows.outSize);
    const top = (row % rows.outSize) * rows.stride - rows.padBefore;
    for (let column = 0; column < columns.outSize; column++) {
      const left = column * columns.stride - columns.padBefore;
      for (let ky = 0; ky < rows.kernelSize; ky++) {
        const y = top + ky * rows.dilation;
        if (y < 0 || y >= rows.inSize) heap.fill(0, at, at + lineLength);
        else fillLine(heap, from + (image * rows.inSize + y) * columns.inSize * channels, at, geometry, left);
        at += lineLength;
      }
    }
  }
}

function fillLine(heap: Float32Array, line: number, to: number, {inChannels: channels, columns}: ConvGeometry, left: number): void {
  const {kernelSize, dilation, inSize} = columns;
  if (dilation === 1) {
    const before = Math.min(kernelSize, Math.max(0, -left));
    const end = Math.max(before, Math.min(kernelSize, inSize - left));
    if (before > 0) heap.fill(0, to, to + before * channels);
    if (end > before) copyRun(heap, line + (left + before) * channels, to + before * channels, (end - before) * channels);
    if (end < kernelSize) heap.fill(0, to + end * channels, to + kernelSize * channels);
    return;
  }
  for (let kx = 0; kx < kernelSize; kx++) {
    const x = left + kx * dilation;
    const at = to + kx * channels;
    if (x < 0 || x >= inSize) heap.fill(0, at, at + channels);
    else copyRun(heap, line + x * channels, at, channels);
  }
}

/** Copies `length` floats within the heap. */
export function copyRun(heap: Float32Array, from: number, to: number, length: number): void {
  if (length >= shortRun) heap.copyWithin(to, from, from + length);
  else for (let i = 0; i < length; i++) heap[to + i] = heap[from + i] as number;
}
