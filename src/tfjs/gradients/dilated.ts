/**
 * Gradients of dilated convolutions, ordinary and depthwise, which tfjs refuses on every backend. A
 * dilated filter is a larger one with zeros between its taps: the gradient kernels are run on that
 * one. On wasm our own kernels know dilation and are run as they are. Out of reach is the fused
 * convolution that tf.layers' conv2d runs while its activation is linear: it refuses by itself.
 */
import {
  engine,
  getGradient,
  pad as zeroPad,
  registerGradient,
  reshape,
  slice,
  stridedSlice,
  type GradConfig,
  type NamedAttrMap,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {isMarked, mark} from '../mark.js';

/** The kernels behind one forward kernel. */
const kernels = {
  Conv2D: {input: 'Conv2DBackpropInput', filter: 'Conv2DBackpropFilter'},
  DepthwiseConv2dNative: {input: 'DepthwiseConv2dNativeBackpropInput', filter: 'DepthwiseConv2dNativeBackpropFilter'},
} as const;

type Pair = readonly [down: number, right: number];

/** Installs both gradients, once per process. Without dilation they are what they were. */
export function installDilatedGradients(): void {
  for (const [kernelName, {input, filter}] of Object.entries(kernels)) {
    const original = getGradient(kernelName) as GradConfig | undefined;
    if (original === undefined || isMarked(original.gradFunc)) continue;
    const gradFunc: GradConfig['gradFunc'] = (dy, saved, attributes) => {
      const dilations = asPair(attributes['dilations'] as number | number[] | null | undefined);
      const isPlain = dilations[0] === 1 && dilations[1] === 1;
      return isPlain
        ? original.gradFunc(dy, saved, attributes)
        : dilatedGradient(input, filter, dy as Tensor, saved, attributes, dilations);
    };
    registerGradient({...original, gradFunc: mark(gradFunc)});
  }
}

function dilatedGradient(
  inputKernel: string,
  filterKernel: string,
  dy: Tensor,
  saved: Tensor[],
  attributes: NamedAttrMap,
  dilations: Pair,
): ReturnType<GradConfig['gradFunc']> {
  const [x, filter] = saved as [Tensor4D, Tensor4D];
  const isNative = engine().backendName === 'wasm';
  const attrs = {...attributes, dilations: isNative ? [...dilations] : [1, 1]};
  const [height, width, ...channels] = filter.shape;
  const spreadShape = [(height - 1) * dilations[0] + 1, (width - 1) * dilations[1] + 1, ...channels];
  return {
    x: () => {
      const used = isNative ? filter : spreadTaps(filter, dilations);
      return engine().runKernel(inputKernel, {dy, filter: used}, {...attrs, inputShape: x.shape}) as Tensor;
    },
    filter: () => {
      const filterShape = isNative ? filter.shape : spreadShape;
      const slope = engine().runKernel(filterKernel, {x, dy}, {...attrs, filterShape}) as Tensor;
      return isNative ? slope : stridedSlice(slope, [0, 0, 0, 0], spreadShape, [...dilations, 1, 1]);
    },
  };
}

/** Puts `dilation − 1` zeros between the taps of both axes. */
function spreadTaps(filter: Tensor4D, [down, right]: Pair): Tensor {
  const [height, width, inChannels, outChannels] = filter.shape;
  const tall = spreadAxis(reshape(filter, [1, height, width * inChannels * outChannels]), down); // [1, h', w·ci·co]
  const wide = spreadAxis(reshape(tall, [-1, width, inChannels * outChannels]), right); // [h', w', ci·co]
  return reshape(wide, [(height - 1) * down + 1, (width - 1) * right + 1, inChannels, outChannels]);
}

/** `[a, n, b]` to `[a, (n − 1)·step + 1, b]`. */
function spreadAxis(x: Tensor, step: number): Tensor {
  const [outer, count, inner] = x.shape as [number, number, number];
  const apart = zeroPad(reshape(x, [outer, count, 1, inner]), [
    [0, 0],
    [0, 0],
    [0, step - 1],
    [0, 0],
  ]);
  return slice(reshape(apart, [outer, count * step, inner]), 0, [outer, (count - 1) * step + 1, inner]);
}

function asPair(value: number | number[] | null | undefined): Pair {
  if (value == null) return [1, 1];
  return typeof value === 'number' ? [value, value] : [at(value, 0), at(value, 1)];
}
