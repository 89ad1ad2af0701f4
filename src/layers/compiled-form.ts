/**
 * What a layer does in inference, as plain kernels: a model is compiled by asking each of its layers for this form, so
 * that a layer's mathematics stands in one place.
 */
import type {Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';

/** Computes the outputs from the inputs; new tensors, the caller's. Runs inside `tidy`. */
export type CompiledRun = (inputs: readonly Tensor[]) => Tensor | Tensor[];

/** Hands a tensor over to the compiled model, which keeps it until its end. */
export type OwnTensor = <T extends Tensor>(tensor: T) => T;

/** A layer that knows a faster form of itself. */
export interface Compilable {
  /**
   * Makes the function that computes what `call` computes in inference, to rounding. The layer is built and outlives it;
   * weights that are folded are copies, which `own` takes, and all others are read when it runs.
   */
  compiledForm(own: OwnTensor): CompiledRun;
}

/**
 * Whether a layer has a compiled form of its very own. A class that inherits one computes something else as soon as it
 * has a `call` of its own, so that it has to bring its form as well.
 */
export function isCompilable(layer: layers.Layer): layer is layers.Layer & Compilable {
  const prototype: unknown = Object.getPrototypeOf(layer);
  return Object.hasOwn(prototype as object, 'compiledForm') && typeof (layer as Partial<Compilable>).compiledForm === 'function';
}
