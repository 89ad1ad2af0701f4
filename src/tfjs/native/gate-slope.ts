/** The gradient of rectifiers and of clipping: dy where x lies between two bounds. TensorFlow has its own for rectifiers. */
import {scalar, tidy, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import {operate, type NativeBackend} from './_operations.js';

/** Computes `dx = dy` where `low ≤ x ≤ high` (with `openLow`, `low < x ≤ high`), else 0. Inputs `dy` and `x`, of one shape. */
export const gateSlope: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as unknown as NativeBackend;
  const {dy, x} = inputs as unknown as Record<'dy' | 'x', TensorInfo>;
  const {low, high, openLow} = attrs as unknown as {low: number; high: number; openLow: boolean};
  if (openLow && low === 0 && high === Infinity) return operate(backend, 'ReluGrad', dy, x);
  return tidy(() => {
    const above = operate(backend, openLow ? 'Greater' : 'GreaterEqual', x, scalar(low));
    const below = operate(backend, 'LessEqual', x, scalar(high));
    const within = backend.executeSingleOutput('LogicalAnd', [], [above, below]);
    return operate(backend, 'Select', within, dy, operate(backend, 'ZerosLike', x));
  });
};
