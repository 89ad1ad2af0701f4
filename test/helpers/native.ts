/** Whether tfjs-node is installed, and why tests that need it are skipped. */
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';

const built = join(import.meta.dirname, '../../node_modules/@tensorflow/tfjs-node/lib');

/** Whether the package is there with its native part. */
export const hasNative: boolean = existsSync(built) && readdirSync(built).some((folder) => existsSync(join(built, folder, 'tfjs_binding.node')));

/** For `skip`. */
export const noNative = 'tfjs-node is not installed (npm run install:tfjs-node).';
