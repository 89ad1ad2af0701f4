/** Brings one backend into use as tfjs has it: worker threads compute as the main thread does, with or without our kernels. */
import {setBackend} from '@tensorflow/tfjs-core';
import {BackendError} from '../core/errors/backend-error.js';
import {withoutNewListeners} from '../tfjs/wasm/listeners.js';
import {candidates} from './candidates.js';

/**
 * Imports and starts a backend.
 *
 * @param engineName The name under which tfjs knows it, `'wasm'`.
 * @throws {BackendError} If that cannot be done; the message says why.
 */
export async function startBackend(engineName: string): Promise<void> {
  const reasons: string[] = [];
  // Two packages bring the backend `tensorflow`.
  for (const {load} of candidates.filter((each) => each.engineName === engineName)) {
    const {reason} = await load(true);
    if (reason === undefined && (await withoutNewListeners(() => setBackend(engineName)))) return;
    reasons.push(reason ?? 'tfjs has logged why.');
  }
  throw new BackendError(`The backend '${engineName}' did not start. ${reasons.join(' ')}`);
}
