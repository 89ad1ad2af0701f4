/**
 * Long work in plain JavaScript, written once as a generator that yields where it could pause: at once for who calls a
 * function and waits, in turns with the events for a method that must be stoppable.
 */
import {yieldToEvents} from './yield-to-events.js';

/** Work that yields wherever it could pause. */
export type Pausable<T> = Generator<undefined, T, undefined>;

/** Milliseconds after which the events get their turn. */
const TURN = 25;

/** Does the work without a pause. */
export function atOnce<T>(work: Pausable<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work and lets the events run in between. Aborting rejects with the signal's reason. */
export async function inTurns<T>(work: Pausable<T>, signal?: AbortSignal): Promise<T> {
  let since = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < TURN) continue;
    await yieldToEvents();
    signal?.throwIfAborted();
    since = performance.now();
  }
}
