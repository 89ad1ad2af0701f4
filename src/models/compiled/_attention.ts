/**
 * The attention module without its detours: pooling by fast kernels, the perceptron's second layer
 * once for both poolings, the batch norm of the spatial gate inside its convolution.
 */
import {
  add,
  clone,
  conv2d,
  div,
  fused,
  mean,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  slice,
  sqrt,
  square,
  sub,
  tidy,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';
import {DELTA_EPSILON, type DeltaMode} from '../../layers/attention-delta.js';
import type {CBAMConfig} from '../../layers/cbam.js';
import {SPATIAL_EPSILON, type SpatialAttentionConfig} from '../../layers/spatial-attention.js';
import {affineOf} from './_affine.js';
import {overChannels, overPlaces} from './_channel-pooling.js';
import type {Own, Run} from './_draft.js';
import {optionsOf, weightIn, weightOf} from './_layer-parts.js';

type Gating = (x: Tensor4D) => Tensor4D;

/** CBAM: the channel gate, then the spatial gate on its result. */
export function cbam(layer: layers.Layer, own: Own): Run {
  const {spatial = true, poolOrder = 'max-mean'} = optionsOf<CBAMConfig>(layer);
  const byChannel = channelGating(layer, own);
  if (!spatial) return ([x]) => byChannel(x as Tensor4D);
  const byPlace = spatialGating(layer, own, poolOrder);
  return ([x]) => byPlace(byChannel(x as Tensor4D));
}

/** ChannelAttention. */
export function channelAttention(layer: layers.Layer, own: Own): Run {
  const gating = channelGating(layer, own);
  return ([x]) => gating(x as Tensor4D);
}

/** SpatialAttention. */
export function spatialAttention(layer: layers.Layer, own: Own): Run {
  const gating = spatialGating(layer, own, optionsOf<SpatialAttentionConfig>(layer).poolOrder ?? 'max-mean');
  return ([x]) => gating(x as Tensor4D);
}

/** AttentionDelta of f̂ and f. */
export function attentionDelta(layer: layers.Layer): Run {
  const {mode = 'signed'} = optionsOf<{mode?: DeltaMode}>(layer);
  return ([attended, features]) => {
    const delta: Tensor4D = sub(attended as Tensor4D, features as Tensor4D);
    if (mode === 'signed') return delta;
    if (mode === 'rectified') return relu(neg(delta));
    const size = sqrt(mean(overPlaces(square(delta), 'mean'), 1)); // [N]
    return mul(delta, reshape(div(-1, add(size, DELTA_EPSILON)), [-1, 1, 1, 1]));
  };
}

function channelGating(layer: layers.Layer, own: Own): Gating {
  const [kernel1, bias1, kernel2] = [
    weightIn<Tensor2D>(layer, 'fc1_kernel'),
    weightIn<Tensor1D>(layer, 'fc1_bias'),
    weightIn<Tensor2D>(layer, 'fc2_kernel'),
  ];
  // The second layer is linear: once for the sum of both poolings, with its bias counted twice.
  const bias2 = own(tidy(() => mul<Tensor1D>(weightIn(layer, 'fc2_bias')(), 2)));
  return (x) => {
    const hidden = (pooled: Tensor2D): Tensor2D => fused.matMul({a: pooled, b: kernel1(), bias: bias1(), activation: 'relu'}) as Tensor2D;
    const both: Tensor2D = add(hidden(overPlaces(x, 'mean')), hidden(overPlaces(x, 'max')));
    const gate = sigmoid(fused.matMul({a: both, b: kernel2(), bias: bias2}));
    return mul(x, reshape(gate, [x.shape[0], 1, 1, x.shape[3]]));
  };
}

function spatialGating(layer: layers.Layer, own: Own, poolOrder: 'max-mean' | 'mean-max'): Gating {
  const {kernels, bias} = tidy(() => foldSpatial(layer));
  const [first, second] = kernels.map(own) as [Tensor4D, Tensor4D];
  const shift = own(bias);
  const [byMax, byMean] = poolOrder === 'max-mean' ? [first, second] : [second, first];
  return (x) => {
    // Two convolutions of one channel: joining the channels would cost more than the second one.
    const ofMax = conv2d(overChannels(x, 'max'), byMax, 1, 'same');
    const ofMean = fused.conv2d({x: overChannels(x, 'mean'), filter: byMean, bias: shift, strides: 1, pad: 'same'});
    return mul(x, sigmoid(add(ofMax, ofMean)));
  };
}

/** One kernel `[k,k,1,1]` per pooled channel, and what is added to their sum, `[1]`. */
function foldSpatial(layer: layers.Layer): {kernels: [Tensor4D, Tensor4D]; bias: Tensor1D} {
  const kernel = weightIn<Tensor4D>(layer, 'conv_kernel')();
  const [height, width] = kernel.shape;
  const gamma = weightOf<Tensor1D>(layer, 'bn_gamma');
  const half = (at: number): Tensor4D => slice(kernel, [0, 0, at, 0], [height, width, 1, 1]);
  if (gamma === undefined) return {kernels: [half(0), half(1)], bias: clone(weightIn<Tensor1D>(layer, 'bias')())};
  const {factor, shift} = affineOf({
    gamma,
    beta: weightIn(layer, 'bn_beta'),
    mean: weightIn(layer, 'bn_moving_mean'),
    variance: weightIn(layer, 'bn_moving_variance'),
    epsilon: SPATIAL_EPSILON,
  });
  return {kernels: [mul(half(0), factor), mul(half(1), factor)], bias: shift};
}
