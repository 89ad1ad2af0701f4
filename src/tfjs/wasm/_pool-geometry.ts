/** Where the windows of a pooling fall: as those of a depthwise convolution. */
import {convGeometry, type ConvGeometry} from './_geometry.js';
import type {Attributes} from './_kernels.js';

/** Reads the geometry of a pooling from its shapes and attributes (`filterSize`, `strides`, `pad`, and where present `dimRoundingMode`). */
export function poolGeometry(inputShape: readonly number[], outputShape: readonly number[], attributes: Attributes): ConvGeometry {
  const filterSize = attributes['filterSize'] as [number, number] | number;
  const window = typeof filterSize === 'number' ? [filterSize, filterSize] : filterSize;
  return convGeometry(inputShape, [...window, inputShape[3] as number, 1], outputShape, {...attributes, dilations: 1}, true);
}
