/**
 * Gives Node's `util` back what tfjs-node 4.22 calls and Node 23 has removed. tfjs-node asks for it
 * with every operation, by name on the module's object, so it may come before or after the import.
 */

type Check = (value: unknown) => boolean;

/** The functions by which tfjs-node's operations examine their arguments. */
const called: Readonly<Record<string, Check>> = {
  isArray: Array.isArray,
  isNullOrUndefined: (value) => value == null,
};

/** Adds the functions that are missing, and only those; does nothing outside Node. */
export function restoreNodeUtil(): void {
  const host = (globalThis as {process?: {getBuiltinModule?: (name: string) => unknown}}).process;
  // A Node that cannot be asked this way is older than the removal.
  const util = host?.getBuiltinModule?.('node:util') as Record<string, unknown> | undefined;
  if (util === undefined) return;
  for (const [name, check] of Object.entries(called)) util[name] ??= check;
}
