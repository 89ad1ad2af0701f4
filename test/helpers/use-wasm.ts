/** Import this first in tests that train: the cpu backend would take minutes. */
import {getBackend} from '@tensorflow/tfjs-core';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {startBackend} from './start-backend.js';

if (getBackend() === 'cpu') await startBackend('wasm');
installTrainingKernels();
