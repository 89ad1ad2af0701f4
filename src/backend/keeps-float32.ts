/** Whether numbers come back from the backend as they went in. */
import {env, getBackend} from '@tensorflow/tfjs-core';

/** False where WebGL keeps 16 bits of a number, as on some phones: what is read there has been rounded. */
export function keepsFloat32(): boolean {
  return getBackend() !== 'webgl' || env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
}
