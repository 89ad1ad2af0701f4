/** Import this first in tests that train: the cpu backend would take minutes. */
import '@tensorflow/tfjs-backend-wasm';
import {getBackend, ready, setBackend} from '@tensorflow/tfjs-core';
import {installTrainingKernels} from '../../src/backend/training-kernels.js';

if (getBackend() === 'cpu') await setBackend('wasm');
await ready();
installTrainingKernels();
