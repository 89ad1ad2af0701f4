/** Every test file starts on the backend named by AKD_BACKEND (default cpu), able to train. */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import {ready, setBackend} from '@tensorflow/tfjs-core';
import {installTrainingKernels} from '../../src/backend/training-kernels.js';

const backend = process.env['AKD_BACKEND'] ?? 'cpu';
if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
await setBackend(backend);
await ready();
installTrainingKernels();
