/**
 * Convolutions of tfjs-node that its library gets wrong, or does not take.
 *
 * The filter's gradient where a 1×1 filter moves by more than one pixel: the library writes beyond its memory (TensorFlow
 * 2.12, an image of 8×12). The same sums come of every other pixel and steps of one.
 *
 * Padding that is given in numbers. The forward kernels take it per side
 * but not as one number, and the gradients take neither: one number is spelled out per side, and the
 * gradients are computed for an image that has been padded before.
 */
import {pad as zeroPad, slice, stridedSlice, type KernelFunc, type NamedAttrMap, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {wrapKernel} from '../wrap-kernel.js';

type Side = [before: number, after: number];
/** Per axis of the image, batch and channels included. */
type Sides = [Side, Side, Side, Side];

const wrappers: Readonly<Record<string, (original: KernelFunc) => KernelFunc>> = {
  Conv2D: forward,
  FusedConv2D: forward,
  DepthwiseConv2dNative: forward,
  FusedDepthwiseConv2D: forward,
  Conv2DBackpropFilter: (original) => pointwise(filterGradient(original)),
  DepthwiseConv2dNativeBackpropFilter: filterGradient,
  Conv2DBackpropInput: inputGradient,
  DepthwiseConv2dNativeBackpropInput: inputGradient,
};

/** Wraps the kernels where tfjs-node is loaded, once per process. */
export function installNativeConvolutions(): void {
  for (const [kernelName, wrap] of Object.entries(wrappers)) wrapKernel(kernelName, 'tensorflow', wrap);
}

function forward(original: KernelFunc): KernelFunc {
  return (params) => {
    const sides = sidesOf(params.attrs as NamedAttrMap);
    return original(sides === undefined ? params : {...params, attrs: {...params.attrs, pad: sides}});
  };
}

function filterGradient(original: KernelFunc): KernelFunc {
  return (params) => {
    const sides = sidesOf(params.attrs as NamedAttrMap);
    if (sides === undefined) return original(params);
    const x = zeroPad(params.inputs['x'] as Tensor, sides);
    const slope = original({...params, inputs: {...params.inputs, x}, attrs: {...params.attrs, pad: 'valid'}});
    x.dispose();
    return slope;
  };
}

/** Takes the pixels that a 1×1 filter meets out of the image first. */
function pointwise(original: KernelFunc): KernelFunc {
  return (params) => {
    const {filterShape, strides, dataFormat} = params.attrs as {filterShape: number[]; strides: number | number[]; dataFormat: string};
    const [down, right] = typeof strides === 'number' ? [strides, strides] : (strides as [number, number]);
    const padded = sidesOf(params.attrs as NamedAttrMap)?.some(([before, after]) => before + after > 0) ?? false;
    if (filterShape[0] !== 1 || filterShape[1] !== 1 || (down === 1 && right === 1) || padded || dataFormat === 'NCHW')
      return original(params);
    const all = params.inputs['x'] as Tensor4D;
    const x = stridedSlice(all, [0, 0, 0, 0], all.shape, [1, down, right, 1]);
    const slope = original({...params, inputs: {...params.inputs, x}, attrs: {...params.attrs, strides: [1, 1]}});
    x.dispose();
    return slope;
  };
}

function inputGradient(original: KernelFunc): KernelFunc {
  return (params) => {
    const sides = sidesOf(params.attrs as NamedAttrMap);
    if (sides === undefined) return original(params);
    const shape = params.attrs?.['inputShape'] as number[];
    const inputShape = shape.map((size, axis) => size + (sides[axis]?.[0] as number) + (sides[axis]?.[1] as number));
    const padded = original({...params, attrs: {...params.attrs, inputShape, pad: 'valid'}}) as Tensor;
    const slope = slice(
      padded,
      sides.map(([before]) => before),
      shape,
    );
    padded.dispose();
    return slope;
  };
}

/** The padding per side; undefined where it is none or has a name. */
function sidesOf({pad, dataFormat}: NamedAttrMap): Sides | undefined {
  if (typeof pad === 'string') return undefined;
  if (Array.isArray(pad)) return pad as unknown as Sides;
  const none: Side = [0, 0];
  const same: Side = [pad as number, pad as number];
  return dataFormat === 'NCHW' ? [none, none, same, same] : [none, same, same, none];
}
