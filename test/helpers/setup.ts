/**
 * Every test file starts on the backend named by AKD_BACKEND (default cpu), able to train. Weights that a test leaves to tfjs are
 * drawn from Math.random: it gives every test the same numbers here, so that one that passes once passes always.
 */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import {beforeEach} from 'vitest';
import {Random} from '../../src/core/random.js';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {startBackend} from './start-backend.js';

function seedMathRandom(): void {
  const random = new Random(1);
  Object.assign(Math, {random: () => random.next()});
}

seedMathRandom();
beforeEach(seedMathRandom);

await startBackend(String(import.meta.env['AKD_BACKEND'] ?? 'cpu'));
installTrainingKernels();
