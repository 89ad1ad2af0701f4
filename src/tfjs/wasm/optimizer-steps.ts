/** One step of an optimiser in one pass over the weights, where tfjs composes it of ten. */
import {util, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {input, type Attributes, type Infos} from './_kernels.js';
import {address, simd} from './_simd.js';

/**
 * One step of Adam. `m` and `v`, the moving moments, are changed in place: nobody else may hold them.
 *
 * @param inputs `value`, `slope`, `m`, `v`, of one shape.
 * @param attributes `beta1`, `beta2`, `rate`, `epsilon`, and `correction1 = 1 − β₁ᵗ`, `correction2 = 1 − β₂ᵗ`.
 * @returns The new value, the caller's.
 */
export function adamStep(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const {beta1, beta2, rate, correction1, correction2, epsilon} = attributes as Record<string, number>;
  const value = input(inputs, 'value', backend);
  const parts = [value, ...['slope', 'm', 'v'].map((name) => input(inputs, name, backend))];
  const out = backend.makeOutput(value.shape, 'float32');
  const [at, slope, m, v] = parts.map((info) => address(backend, info)) as [number, number, number, number];
  simd(backend).adamStep(
    at,
    slope,
    m,
    v,
    address(backend, out),
    util.sizeFromShape(value.shape),
    beta1 as number,
    beta2 as number,
    rate as number,
    correction1 as number,
    correction2 as number,
    epsilon as number,
  );
  return out;
}

/**
 * One step of SGD with Nesterov momentum. `velocity` is changed in place: nobody else may hold it.
 *
 * @param inputs `value`, `slope`, `velocity`, of one shape.
 * @param attributes `momentum`, `rate`.
 * @returns The new value, the caller's.
 */
export function momentumStep(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const {momentum, rate} = attributes as {momentum: number; rate: number};
  const value = input(inputs, 'value', backend);
  const slope = input(inputs, 'slope', backend);
  const velocity = input(inputs, 'velocity', backend);
  const out = backend.makeOutput(value.shape, 'float32');
  const [at, from, speed, to] = [value, slope, velocity, out].map((info) => address(backend, info)) as [number, number, number, number];
  simd(backend).momentumStep(at, from, speed, to, util.sizeFromShape(value.shape), momentum, rate);
  return out;
}
