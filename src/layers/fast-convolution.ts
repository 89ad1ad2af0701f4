/**
 * The fused convolution of compiled models. On wasm, one of ours where the engine has relaxed SIMD; and one with a single
 * output channel is the sum over the channels of a depthwise convolution: the kernels compute output channels eight at a
 * time, and would throw seven away.
 */
import {add, depthwiseConv2d, fused, getBackend, relu, relu6, sum, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Fused} from '../tfjs/gradients/input-only.js';
import {ownConvolution} from '../tfjs/own-convolution.js';

type Convolution = Parameters<typeof fused.conv2d>[0];

/** Fewer channels fill no vector registers. */
const FULL = 8;

/** Computes `activation(conv2d(x, filter) + bias)`, NHWC; without a gradient for a single output channel. */
export function fastConvolution(convolution: Convolution & {readonly activation: Fused}): Tensor4D {
  const {x, filter, strides, pad, dilations = 1, bias, activation} = convolution;
  const [, , inChannels, outChannels] = (filter as Tensor4D).shape;
  const isPlain = [dilations].flat().every((each) => each === 1);
  if (getBackend() !== 'wasm' || inChannels < FULL || !isPlain) return fused.conv2d(convolution) as Tensor4D;
  if (outChannels > 1) return (outChannels >= FULL && ownConvolution(convolution)) || (fused.conv2d(convolution) as Tensor4D);
  return tidy(() => {
    const byChannel = depthwiseConv2d(x as Tensor4D, filter as Tensor4D, strides, pad as 'valid');
    const total = sum<Tensor4D>(byChannel, 3, true);
    const shifted = bias === undefined ? total : add<Tensor4D>(total, bias);
    return activation === 'linear' ? shifted : {relu, relu6}[activation](shifted);
  });
}
