/** The decoder's own layers by the backend's kernels: a fused convolution, and the interpolation without its gradient. */
import {fused, image, type Tensor1D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {BilinearResize} from '../../layers/bilinear-resize.js';
import type {UpsampleBlock} from '../../layers/upsample-block.js';
import type {Run} from './_draft.js';
import {weightIn} from './_layer-parts.js';

/** BilinearResize. */
export function bilinearResize(layer: BilinearResize): Run {
  return ([x]) => resize(x as Tensor4D, layer.size);
}

/** UpsampleBlock. */
export function upsampleBlock(layer: UpsampleBlock): Run {
  const [kernel, bias] = [weightIn<Tensor4D>(layer, 'kernel'), weightIn<Tensor1D>(layer, 'bias')];
  return ([x]) => {
    const convolved = fused.conv2d({x: x as Tensor4D, filter: kernel(), bias: bias(), strides: 1, pad: 'same', activation: 'relu'});
    const [, height, width] = convolved.shape;
    return resize(convolved, layer.size ?? [2 * height, 2 * width]);
  };
}

function resize(x: Tensor4D, size: readonly [number, number]): Tensor4D {
  return image.resizeBilinear(x, [...size], false, true);
}
