/**
 * The gradient of a strided convolution with respect to its input, without multiplying the zeros
 * that a stride would put in: input pixels with the same remainder modulo the stride (a phase) see
 * the same taps, so each phase is an ordinary convolution of dy with those taps, reversed.
 */
import type {ConvAxis, ConvGeometry} from './_geometry.js';

/** The pixels `first, first + stride, …` of one axis, and the convolution that gives them. */
export interface Phase {
  /** First input pixel. */
  readonly first: number;
  /** Number of input pixels. */
  readonly count: number;
  /** Kernel taps in the order in which they are applied to dy. Empty: the pixels get no gradient. */
  readonly taps: readonly number[];
  /** Zeros before and after dy. */
  readonly pad: readonly [before: number, after: number];
  /** How many results come before the first pixel. */
  readonly skip: number;
}

/** Splits one axis into its phases; at stride 1 there is one. */
export function axisPhases({inSize, outSize, kernelSize, stride, dilation, padBefore}: ConvAxis): Phase[] {
  const phases: Phase[] = [];
  for (let first = 0; first < Math.min(stride, inSize); first++) {
    const count = Math.ceil((inSize - first) / stride);
    // Pixel first + stride·i is read by tap k of output (first + stride·i + padBefore − k·dilation) / stride.
    // Either the stride or the dilation is 1.
    const remainder = (first + padBefore) % stride;
    const taps: number[] = [];
    for (let tap = stride === 1 ? 0 : remainder; tap < kernelSize; tap += stride) taps.unshift(tap);
    const shift = stride === 1 ? padBefore : (first + padBefore - remainder) / stride;
    const reach = (taps.length - 1) * dilation;
    const before = reach - shift;
    const after = count + shift - outSize;
    phases.push({first, count, taps, pad: [Math.max(0, before), Math.max(0, after)], skip: Math.max(0, -before)});
  }
  return phases;
}

/** Whether one convolution gives the whole input gradient in place: stride 1, nothing to cut off. */
export function isOnePhase({rows, columns}: ConvGeometry): boolean {
  return [rows, columns].every((axis) => {
    const [phase] = axisPhases(axis);
    if (axis.stride !== 1 || phase === undefined || phase.taps.length === 0) return false;
    const size = axis.outSize + phase.pad[0] + phase.pad[1] - (axis.kernelSize - 1) * axis.dilation;
    return phase.skip === 0 && size === axis.inSize;
  });
}
