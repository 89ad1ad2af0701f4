/**
 * Imports tfjs-node and tfjs-node-gpu, the one place where that is done: both throw on import when
 * their native library was not downloaded during installation.
 */
import {importOptional, importReason, oneLine} from '../../core/import-optional.js';
import {restoreNodeUtil} from './node-util.js';

/** Makes the backend `tensorflow` known to the engine. Returns a reason when that cannot be. */
export async function provideNative(name: string, isNode: boolean): Promise<string | undefined> {
  if (!isNode) return 'It runs in Node.js only.';
  restoreNodeUtil();
  try {
    await importOptional(name);
    return undefined;
  } catch (error) {
    if (!/tfjs_binding\.node/.test(oneLine(error))) return importReason(name, error);
    return `The package ${name} is installed without its native library (npm rebuild ${name} downloads it).`;
  }
}
