/**
 * Where a convolution's taps fall: sizes, strides, dilations and the padding before the first
 * pixel. The output size comes from the gradient's own shape, since some rounding modes of the
 * forward pass are not handed to the kernels of its gradient.
 */
import {backend_util} from '@tensorflow/tfjs-core';
import type {Attributes} from './_kernels.js';
import type {ConvNumbers} from './_simd-exports.js';

/** One spatial axis of a convolution: tap `k` of output `o` reads input `o·stride + k·dilation − padBefore`. */
export interface ConvAxis {
  readonly inSize: number;
  readonly outSize: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
}

/** A convolution over images in NHWC order. */
export interface ConvGeometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly rows: ConvAxis;
  readonly columns: ConvAxis;
}

type Shape4 = [number, number, number, number];

/**
 * Reads the geometry of a convolution from its shapes and attributes (`strides`, `pad`, and where
 * present `dilations` and `dimRoundingMode`).
 *
 * @param outputShape Shape of dy; `undefined` in the forward pass, where the attributes are complete.
 */
export function convGeometry(
  inputShape: readonly number[],
  filterShape: readonly number[],
  outputShape: readonly number[] | undefined,
  attributes: Attributes,
  depthwise: boolean,
): ConvGeometry {
  const {strides, pad, dilations, dimRoundingMode} = attributes as {
    strides: [number, number] | number;
    pad: 'same' | 'valid' | number;
    dilations?: [number, number] | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  const info = backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const [batch, outHeight, outWidth, outChannels] = (outputShape ?? info.outShape) as Shape4;
  return {
    batch,
    inChannels: info.inChannels,
    outChannels,
    rows: {
      inSize: info.inHeight,
      outSize: outHeight,
      kernelSize: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      padBefore: info.padInfo.top,
    },
    columns: {
      inSize: info.inWidth,
      outSize: outWidth,
      kernelSize: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      padBefore: info.padInfo.left,
    },
  };
}

/** The same as plain numbers, in the order that the SIMD module takes them. */
export function convNumbers({batch, inChannels, outChannels, rows, columns}: ConvGeometry): ConvNumbers {
  return [
    batch,
    rows.inSize,
    columns.inSize,
    inChannels,
    rows.outSize,
    columns.outSize,
    outChannels,
    rows.kernelSize,
    columns.kernelSize,
    rows.stride,
    columns.stride,
    rows.padBefore,
    columns.padBefore,
    rows.dilation,
    columns.dilation,
  ];
}
