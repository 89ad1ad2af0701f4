/** What tfjs-node gets: paddings in numbers, a faster step function, and the functions of Node that it calls. */
import {getKernel, type KernelConfig} from '@tensorflow/tfjs-core';
import {installNativeConvolutions} from './convolutions.js';
import {restoreNodeUtil} from './node-util.js';
import {installNativeStep} from './step.js';

/** Installs all of it where tfjs-node is loaded, once per process. */
export function installOnNative(): void {
  if ((getKernel('Conv2D', 'tensorflow') as KernelConfig | undefined) === undefined) return;
  restoreNodeUtil(); // for those who have imported it themselves
  installNativeConvolutions();
  installNativeStep();
}
