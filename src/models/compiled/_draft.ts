/**
 * An operation in the making: it has its place in the graph and may still take in what follows it
 * before it becomes a function of tensors.
 */
import type {Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';

/** Computes the outputs; new tensors, the caller's. Runs inside `tidy`. */
export type Run = (inputs: readonly Tensor[]) => Tensor | Tensor[];

/** Hands a tensor over to the compiled model, which keeps it until its end. */
export type Own = <T extends Tensor>(tensor: T) => T;

/** What an operation needs to be placed and finished. */
export interface Draft {
  readonly inputs: readonly number[];
  /** Moves on when a follower is taken in. */
  outputs: readonly number[];
  /** Takes in a batch norm that alone reads the output; false where that cannot be. */
  followWithNorm?(norm: layers.Layer): boolean;
  /** Takes in an activation that alone reads the output; false where that cannot be. */
  followWithActivation?(activation: string): boolean;
  /** Makes the function. */
  finish(own: Own): Run;
}
