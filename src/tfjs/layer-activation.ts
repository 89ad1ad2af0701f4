/** The activation that a layer of tfjs applies at its end. tfjs shows its name, but not the function. */
import type {Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';

interface Activated {
  readonly activation: {apply(x: Tensor): Tensor};
}

/** Returns the function that a layer applies to what it has computed. */
export function activationFunction(layer: layers.Layer): (x: Tensor) => Tensor {
  const {activation} = layer as unknown as Activated;
  return (x) => activation.apply(x);
}

/** Returns a stand-in for a layer: the same weights, and the identity in the place of its activation. */
export function withoutActivation(layer: layers.Layer): layers.Layer {
  const activation = {apply: (x: Tensor): Tensor => x, getClassName: () => 'linear'};
  return Object.create(layer, {activation: {value: activation}}) as layers.Layer;
}
