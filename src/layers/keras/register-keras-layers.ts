/** Makes what tf.layers lacks of Keras known to tfjs' model loader. */
import {serialization} from '@tensorflow/tfjs-core';
import {kerasActivations} from './activations.js';
import {KerasArithmetic} from './arithmetic.js';
import {KerasDepthwiseConv2D, KerasGroupedConv2D} from './convolutions.js';
import {KerasIdentity} from './identity.js';
import {KerasMultiHeadAttention} from './multi-head-attention.js';
import {KerasGroupNormalization, KerasUnitNormalization} from './norms.js';
import {KerasCenterCrop, KerasNormalization, KerasRescaling, KerasResizing, KerasUpSampling2D} from './pixels.js';
import {KerasGlobalAveragePooling2D, KerasGlobalMaxPooling2D} from './pooling.js';
import {KerasELU, KerasReLU} from './relu.js';

const kerasLayers = [
  KerasArithmetic,
  KerasCenterCrop,
  KerasDepthwiseConv2D,
  KerasELU,
  KerasGlobalAveragePooling2D,
  KerasGlobalMaxPooling2D,
  KerasGroupNormalization,
  KerasGroupedConv2D,
  KerasIdentity,
  KerasMultiHeadAttention,
  KerasNormalization,
  KerasReLU,
  KerasRescaling,
  KerasResizing,
  KerasUnitNormalization,
  KerasUpSampling2D,
] as const;

/** Registers them and the activations. Safe to call more than once. */
export function registerKerasLayers(): void {
  for (const each of [...kerasLayers, ...kerasActivations]) {
    serialization.registerClass(each as unknown as Parameters<typeof serialization.registerClass>[0]);
  }
}
