/** Every test file starts on the backend named by AKD_BACKEND (default cpu), able to train. */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {startBackend} from './start-backend.js';

await startBackend(String(import.meta.env['AKD_BACKEND'] ?? 'cpu'));
installTrainingKernels();
