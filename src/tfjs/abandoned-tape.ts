/**
 * Frees what a gradient that threw has left behind: tfjs keeps the values that the backward pass
 * needs, and lets go of them only where that pass comes to its end.
 */
import {dispose, engine} from '@tensorflow/tfjs-core';

/** Call it where a gradient has thrown, outside of any other gradient. */
export function disposeAbandonedTape(): void {
  const {state} = engine();
  if (state.gradientDepth > 0) return;
  for (const {saved} of (state.activeTape as typeof state.activeTape | null) ?? []) dispose(saved);
  state.activeTape = [];
}
