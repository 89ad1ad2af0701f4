/**
 * Lets tf.layers' BatchNormalization train without gamma or beta. In training mode the layer reads
 * both weights without asking whether it has them (in inference mode it asks), so `scale: false`
 * and `center: false` throw before any gradient is taken.
 */
import {serialization} from '@tensorflow/tfjs-core';
import {isMarked, mark} from './_mark.js';

/** As much of the layer as is touched here. */
interface BatchNormalization {
  gamma?: {read(): unknown};
  beta?: {read(): unknown};
}

type Call = (this: BatchNormalization, inputs: unknown, kwargs: {readonly training?: boolean}) => unknown;

/** Wraps the layer's `call`, once per process; does nothing where tf.layers is not loaded. */
export function installBatchNormLayer(): void {
  const layer = serialization.SerializationMap.getMap().classNameMap['BatchNormalization']?.[0];
  if (layer === undefined) return;
  const prototype = layer.prototype as unknown as {call: Call};
  if (!isMarked(prototype.call)) prototype.call = mark(standInForAbsentWeights(prototype.call));
}

function standInForAbsentWeights(call: Call): Call {
  return function (inputs, kwargs) {
    const absent = kwargs.training ? (['gamma', 'beta'] as const).filter((name) => this[name] == null) : [];
    // What comes after the reading knows what to do without a value.
    for (const name of absent) this[name] = {read: () => undefined};
    try {
      return call.call(this, inputs, kwargs);
    } finally {
      for (const name of absent) Reflect.deleteProperty(this, name);
    }
  };
}
