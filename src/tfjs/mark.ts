/**
 * Marks functions that this package has put into the engine's registries. The registries are
 * shared by everything in the process, so the mark is too: a second copy of the package (ESM
 * beside CommonJS, say) recognises what the first has done.
 */
const installed = Symbol.for('attentive-distiller.installed');

/** Marks a function and returns it. */
export function mark<T extends object>(func: T): T {
  return Object.assign(func, {[installed]: true});
}

/** Whether a function carries the mark. */
export function isMarked(func: object | undefined): boolean {
  return func !== undefined && installed in func;
}
