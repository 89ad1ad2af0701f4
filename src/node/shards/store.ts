/** Where shards are kept: a folder that all machines see, or anything else that keeps bytes under names. */
import {createHash} from 'node:crypto';
import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {custom, required} from '../../core/fields.js';
import {refusal, type Field} from '../../core/options.js';
import {writeFileAtomically} from '../../files/atomic-file.js';
import {toFilePath} from '../../files/file-path.js';

/**
 * Keeps bytes under names. An object store is one: `write` is a put of the whole object, which S3 and the like do at once or
 * not at all. Two machines may write the same name at the same time; they then write the same values.
 */
export interface ShardStore {
  /** The bytes of that name, or undefined where there are none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Keeps the bytes, whole or not at all, in place of those before. */
  write(name: string, content: Uint8Array): Promise<void>;
}

/** `store`: where files of shards are kept. */
export const storeField: Field<ShardStore> = required(
  custom<ShardStore>('a store {read(), write()}', (value) => {
    const {read, write} = (value ?? {}) as Partial<ShardStore>;
    return typeof read === 'function' && typeof write === 'function' ? undefined : 'kind';
  }),
);

/** Checks an argument that has to be a store. @throws {TypeError} If it is none. */
export function checkStore(where: string, store: unknown): asserts store is ShardStore {
  const problem = storeField.problem(store);
  if (problem !== undefined) throw refusal(where, {...problem, path: 'store'});
}

/**
 * Returns a folder as a store. Files are written under another name, forced to the disk and renamed.
 *
 * @param folder A path, `file://…` or a URL object; made when the first file is written.
 * @throws {TypeError | RangeError} If `folder` is no path.
 */
export function folderStore(folder: string | URL): ShardStore {
  const path = toFilePath(folder, 'folderStore: folder');
  return {
    read: async (name) => {
      try {
        return await readFile(join(path, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: async (name, content) => {
      await mkdir(path, {recursive: true});
      await writeFileAtomically(path, name, content);
    },
  };
}

/** 32 hexadecimal digits of the SHA-256 of bytes or of a text. */
export function hashOf(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}
