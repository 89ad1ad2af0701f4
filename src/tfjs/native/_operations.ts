/**
 * Runs operations of TensorFlow that tfjs-node has no kernel for, one call each. The backend is an optional package, so nothing
 * of it is imported: what is called of it stands in {@link NativeBackend}.
 */
import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';

/** A setting of an operation. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What TensorFlow gives out. */
export interface Output {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

type AttributeKind = 'TYPE' | 'FLOAT' | 'BOOL' | 'STRING' | 'SHAPE';

/** As much of tfjs-node's backend as is touched here; some of it is private. */
export interface NativeBackend {
  readonly binding: Readonly<Record<'TF_FLOAT' | `TF_ATTR_${AttributeKind}`, number>> & {
    executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], count: number): Output[];
  };
  /** Whether TensorFlow has a card; known from the start. */
  readonly isUsingGpuDevice: boolean;
  createOutputTensor(output: Output): Tensor;
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: TensorInfo[]): Tensor;
  executeMultipleOutputs(name: string, attributes: readonly Attribute[], inputs: TensorInfo[], count: number): Tensor[];
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
}

/** Runs an operation on float32; the result is the caller's. */
export function operate(backend: NativeBackend, name: string, ...inputs: TensorInfo[]): Tensor {
  return backend.executeSingleOutput(name, [floats(backend)], inputs);
}

/** The attribute by which an operation learns that its inputs are float32. */
export function floats(backend: NativeBackend, name = 'T'): Attribute {
  return attribute(backend, name, 'TYPE', backend.binding.TF_FLOAT);
}

/** An attribute of any other kind. */
export function attribute({binding}: NativeBackend, name: string, kind: AttributeKind, value: unknown): Attribute {
  return {name, type: binding[`TF_ATTR_${kind}`], value};
}
