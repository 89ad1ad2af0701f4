/** The gradient of rectifiers and of clipping in one pass: dy where x lies between two bounds. */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {util} from '@tensorflow/tfjs-core';
import {input, type Attributes, type Infos} from './_kernels.js';
import {address, simd} from './_simd.js';

/**
 * Computes `dx = dy` where `low ≤ x ≤ high` (with `openLow`, `low < x ≤ high`), else 0.
 *
 * @param inputs `dy` and `x`, of the same shape, borrowed.
 * @returns The shape of x; the caller's.
 */
export function gateSlope(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const dy = input(inputs, 'dy', backend);
  const x = input(inputs, 'x', backend);
  const {low, high, openLow} = attributes as {low: number; high: number; openLow: boolean};
  const dx = backend.makeOutput(x.shape, 'float32');
  simd(backend).gateSlope(
    address(backend, dy),
    address(backend, x),
    address(backend, dx),
    util.sizeFromShape(x.shape),
    low,
    high,
    Number(openLow),
  );
  return dx;
}
