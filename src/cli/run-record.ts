/** How a folder of results came about: the same command goes on with what is there, another one does not mix with it. */
import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomically} from '../files/atomic-file.js';
import {CommandError, exitCodes} from './exit-code.js';

/** What results depend on, by name. */
export type RunRecord = Readonly<Record<string, unknown>>;

/**
 * Opens a folder for the results of a run, and writes the record down. Missing folders are made.
 *
 * @param name The file of the record.
 * @returns Whether results of a run with the same record are there.
 * @throws {CommandError} If there are those of another run, unless `force` is set: exit code 2; or the folder cannot be
 *   written: exit code 1.
 */
export async function openRun(folder: string, name: string, record: RunRecord, force: boolean): Promise<boolean> {
  const path = join(folder, name);
  const before = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as RunRecord)
    .catch(() => undefined);
  // As it will be read again.
  const now = JSON.parse(JSON.stringify(record)) as RunRecord;
  if (before !== undefined && !force) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const changed = names.filter((each) => JSON.stringify(before[each]) !== JSON.stringify(now[each]));
    if (changed.length === 0) return true;
    const how = changed.map((each) => `${each} ${brief(before[each])}, now ${brief(now[each])}`).join('; ');
    throw new CommandError(
      `${folder} holds the results of another run (${how}). Name another folder with --out, or say --force to replace them.`,
    );
  }
  await writing(folder, async () => {
    await mkdir(folder, {recursive: true});
    await writeFileAtomically(folder, name, `${JSON.stringify(now, undefined, 2)}\n`);
  });
  return false;
}

/** Does something that writes into a folder. @throws {CommandError} If that fails: exit code 1. */
export async function writing<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const {code, message} = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in the way' : message;
    throw new CommandError(`${folder} cannot be written: ${why}. Name another folder with --out.`, exitCodes.failed, {cause});
  }
}

function brief(value: unknown): string {
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
