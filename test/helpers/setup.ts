/** Every test file starts on the backend named by AKD_BACKEND (default cpu). */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import {ready, setBackend} from '@tensorflow/tfjs-core';

const backend = process.env['AKD_BACKEND'] ?? 'cpu';
if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
await setBackend(backend);
await ready();
