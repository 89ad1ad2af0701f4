/** The gradient of rectifiers and of clipping in one program: dy where x lies between two bounds. */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import {makeArray, runShader, type Shader, type WebgpuBackend} from './_shader.js';

const shaderOf = (openLow: boolean, hasHigh: boolean): Shader => ({
  name: `gateSlope${openLow ? 'Open' : 'Closed'}${hasHigh ? 'Both' : 'Low'}`,
  writes: ['dx'],
  reads: ['dy', 'x'],
  floats: hasHigh ? ['low', 'high'] : ['low'],
  body: `
    if (index < uniforms.dxSize) {
      let value = x[index];
      dx[index] = select(0.0, dy[index], value ${openLow ? '>' : '>='} uniforms.low${hasHigh ? ' && value <= uniforms.high' : ''});
    }`,
});

/** Computes `dx = dy` where `low ≤ x ≤ high` (with `openLow`, `low < x ≤ high`), else 0. Inputs `dy` and `x`, of one shape. */
export const gateSlope: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as WebgpuBackend;
  const {dy, x} = inputs as unknown as Record<'dy' | 'x', TensorInfo>;
  const {low, high, openLow} = attrs as unknown as {low: number; high: number; openLow: boolean};
  const dx = makeArray(backend, x.shape);
  const threads = util.sizeFromShape(x.shape);
  runShader(backend, shaderOf(openLow, high < Infinity), {arrays: {dx, dy, x}, numbers: {low, high}, threads});
  return dx;
};
