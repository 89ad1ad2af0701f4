/**
 * Lets timers, clicks and aborts run between two batches. Reading a tensor resolves at once on cpu
 * and wasm, so without this a long run would block its thread from beginning to end.
 */

/** Resolves after the events that are waiting. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    // Not setTimeout, which browsers hold back to 4 ms, and to a second in a hidden tab.
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
