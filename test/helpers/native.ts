/** Whether tfjs-node and tfjs-node-gpu are installed, and why tests that need them are skipped. */
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';

/** Whether tfjs-node is there with its native part. */
export const hasNative: boolean = isBuilt('tfjs-node');
/** Whether tfjs-node-gpu is. */
export const hasNativeGpu: boolean = isBuilt('tfjs-node-gpu');

/** For `skip`. */
export const noNative = 'tfjs-node is not installed (npm run install:tfjs-node).';
/** For `skip`. */
export const noNativeGpu = 'tfjs-node-gpu is not installed (npm run install:tfjs-node -- --gpu).';

function isBuilt(name: string): boolean {
  const built = join(import.meta.dirname, '../../node_modules/@tensorflow', name, 'lib');
  return existsSync(built) && readdirSync(built).some((folder) => existsSync(join(built, folder, 'tfjs_binding.node')));
}
