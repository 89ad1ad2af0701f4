/**
 * An operation in the making: it has its place in the graph and may still take in what follows it
 * before it becomes a function of tensors.
 */
import type {layers} from '@tensorflow/tfjs-layers';
import type {CompiledRun, OwnTensor} from '../../layers/compiled-form.js';

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
  finish(own: OwnTensor): CompiledRun;
}
