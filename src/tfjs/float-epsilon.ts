/**
 * The number that keeps a division finite. tfjs' WebGL backend gives that of 16-bit floats, 1e-4, also
 * where it renders to 32-bit ones, and Adam with it takes other steps than on every other backend.
 */
import {engine, env} from '@tensorflow/tfjs-core';

const FLOAT32 = 1e-7;

/** Gives ε for the backend in use, as `backend().epsilon()` should: 1e-7, or 1e-4 if it computes in 16 bits. */
export function floatEpsilon(): number {
  const {backendName, backend} = engine();
  return backendName === 'webgl' && env().getBool('WEBGL_RENDER_FLOAT32_ENABLED') ? FLOAT32 : backend.epsilon();
}
