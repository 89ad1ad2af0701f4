/**
 * Starting the wasm backend in Node adds two process-wide listeners, one for uncaught exceptions and
 * one for unhandled rejections, that do nothing but throw again. They hide where an error came from and
 * turn what the application handles into a crash, so they are taken away.
 */

const events = ['uncaughtException', 'unhandledRejection'] as const;

/** A listener whose whole body throws its argument, or does so unless it is Emscripten's own exit. */
const rethrows = /^function\s*\w*\s*\((\w+)\)\s*\{\s*(if\s*\(!\(\1 instanceof \w+\)\)\s*\{?\s*)?throw \1;?[\s}]*$/;

/** Runs `start` and removes the rethrowing listeners that appeared meanwhile, and only those. */
export async function withoutNewListeners<T>(start: () => Promise<T>): Promise<T> {
  // In a browser there is no process, and some bundlers put half of one there.
  if (typeof process === 'undefined' || typeof process.listeners !== 'function') return start();
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  try {
    return await start();
  } finally {
    events.forEach((event, index) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (!before[index]?.has(listener) && rethrows.test(String(listener))) process.removeListener(event, listener);
      }
    });
  }
}
