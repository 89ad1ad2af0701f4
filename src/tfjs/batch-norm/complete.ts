/**
 * BatchNormalization with `scale: false` or `center: false` has no working gradient in tfjs
 * (tensorflow/tfjs#2868) and throws in training mode. A stand-in that inherits everything from the
 * layer and adds the missing factor 1 or summand 0 computes the same numbers and has a gradient.
 */
import {ones, zeros, type Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';

interface Weight {
  read(): Tensor;
}

interface BatchNorm {
  readonly gamma?: Weight | undefined;
  readonly beta?: Weight | undefined;
  readonly movingMean: Weight & {readonly shape: number[]};
}

/** Returns a stand-in for an incomplete BatchNormalization, any other layer as it is. */
export function completeBatchNorm(layer: layers.Layer): layers.Layer {
  if (layer.getClassName() !== 'BatchNormalization') return layer;
  const {gamma, beta, movingMean} = layer as unknown as BatchNorm;
  if (gamma !== undefined && beta !== undefined) return layer;
  const shape = movingMean.shape;
  return Object.create(layer, {
    scale: {value: true},
    center: {value: true},
    gamma: {value: gamma ?? {read: () => ones(shape)}},
    beta: {value: beta ?? {read: () => zeros(shape)}},
  }) as layers.Layer;
}
