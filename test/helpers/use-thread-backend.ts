/** Import this first in tests of the option `workers`: it is for cpu and wasm, so where the run is on another backend they go to wasm. */
import {getBackend} from '@tensorflow/tfjs-core';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {startBackend} from './start-backend.js';

if (!['cpu', 'wasm'].includes(getBackend())) {
  await startBackend('wasm');
  installTrainingKernels();
}
