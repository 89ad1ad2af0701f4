/**
 * Imports tfjs-node and tfjs-node-gpu, the one place where that is done: both throw on import when
 * their native library was not downloaded during installation.
 */
import {backend} from '@tensorflow/tfjs-core';
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

/** Why TensorFlow, which is in use, computes on the processor; undefined where it has a card. */
export function missingCuda(): string | undefined {
  const {isUsingGpuDevice, isGPUPackage} = backend() as {isUsingGpuDevice?: boolean; isGPUPackage?: boolean};
  if (isUsingGpuDevice === true) return undefined;
  return isGPUPackage === false
    ? 'The package @tensorflow/tfjs-node, which has no GPU, was imported before; install and import @tensorflow/tfjs-node-gpu alone.'
    : 'TensorFlow finds no GPU: an NVIDIA card has to be there, and its driver, CUDA and cuDNN have to be installed.';
}
