/** How every method computes: on a backend that was asked first, and with errors that say what to do. */
import {backendFailure} from './backend-failure.js';
import {requireBackend} from './check-backend.js';

/**
 * Runs the work of a method.
 *
 * @param where Names the method in messages.
 * @throws {BackendError} If tfjs is of another version than is needed, no backend is in use, it cannot compute
 *   scores, or the model needs what it lacks. Whatever else `work` throws comes through.
 */
export async function onBackend<T>(where: string, work: () => Promise<T>): Promise<T> {
  await requireBackend(where, 'black-box');
  try {
    return await work();
  } catch (error) {
    throw backendFailure(where, error);
  }
}
