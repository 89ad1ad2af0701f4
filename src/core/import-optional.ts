/** Imports packages that may not be there, and says in one line why one cannot be used. */

/** Imports by a name that bundlers cannot see, so that they do not ask for a missing package. */
export async function importOptional(name: string): Promise<Record<string, unknown>> {
  const specifier: string = name;
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as Record<string, unknown>;
}

/** Turns what an import of `name` threw into one line. */
export function importReason(name: string, error: unknown): string {
  if (isMissing(name, error)) return `The package ${name} is not installed (npm install ${name}).`;
  return `Importing ${name} failed: ${oneLine(error)}`;
}

/** The first line of an error's message, at most 200 characters. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String((error as {message?: unknown} | null)?.message ?? error);
  const line = message.trim().split('\n', 1)[0] as string;
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

function isMissing(name: string, error: unknown): boolean {
  const {code, message} = error as {code?: unknown; message?: unknown};
  // A package that is there but lacks a part of its own (a native binary) fails with the same code,
  // and names that part. Other runtimes and test runners have words of their own.
  const isNotFound =
    code === 'ERR_MODULE_NOT_FOUND' ||
    code === 'MODULE_NOT_FOUND' ||
    /resolve module|(Failed to|Could not) (load|resolve)|Cannot find/.test(String(message));
  return isNotFound && new RegExp(`['"\`\\s]${name}['"\`\\s]`).test(`${String(message)} `);
}
