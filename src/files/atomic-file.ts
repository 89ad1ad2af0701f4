/**
 * Writes a file whole or not at all: under another name first, forced to the disk, then renamed.
 * A process that dies at any moment leaves the old file, or the new one.
 */
import {nodeBuiltin} from '../core/node-builtin.js';

/** Names that {@link writeFileAtomically} uses before the rename: `NAME.RANDOM.tmp`. */
export function temporaryName(name: string): string {
  return `${name}.${nodeBuiltin('node:crypto').randomBytes(6).toString('hex')}.tmp`;
}

/** Whether a name is a temporary one of a file whose name fits `pattern` (a source of a RegExp). */
export function isTemporaryName(name: string, pattern: string): boolean {
  return new RegExp(`^(?:${pattern})\\.[0-9a-f]{12}\\.tmp$`).test(name);
}

/**
 * Writes `content` to `folder/name`, replacing what is there in one step.
 *
 * @throws {Error} What the file system reports; nothing of the new content is left then.
 */
export async function writeFileAtomically(folder: string, name: string, content: Uint8Array | string): Promise<void> {
  const fs = nodeBuiltin('node:fs/promises');
  const path = nodeBuiltin('node:path');
  const temporary = path.join(folder, temporaryName(name));
  try {
    const handle = await fs.open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, path.join(folder, name));
  } catch (error) {
    await fs.rm(temporary, {force: true}).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** Forces a rename to the disk, where the system allows to open a folder (Windows does not). */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await nodeBuiltin('node:fs/promises').open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The rename itself has happened; only a power cut right now could undo it.
  }
}
