/** One step of an optimiser in one program per variable, where tfjs composes it of ten. */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import {makeArray, runShader, type Shader, type WebgpuBackend} from './_shader.js';

const adam: Shader = {
  name: 'adamStep',
  writes: ['next', 'm', 'v'],
  reads: ['value', 'slope'],
  floats: ['beta1', 'beta2', 'rate', 'correction1', 'correction2', 'epsilon'],
  body: `
    if (index < uniforms.nextSize) {
      let g = slope[index];
      let first = uniforms.beta1 * m[index] + (1.0 - uniforms.beta1) * g;
      let second = uniforms.beta2 * v[index] + (1.0 - uniforms.beta2) * g * g;
      m[index] = first;
      v[index] = second;
      let size = sqrt(second / uniforms.correction2) + uniforms.epsilon;
      next[index] = value[index] - uniforms.rate * (first / uniforms.correction1) / size;
    }`,
};

const momentum: Shader = {
  name: 'momentumStep',
  writes: ['next', 'velocity'],
  reads: ['value', 'slope'],
  floats: ['momentum', 'rate'],
  body: `
    if (index < uniforms.nextSize) {
      let speed = uniforms.momentum * velocity[index] + slope[index];
      velocity[index] = speed;
      next[index] = value[index] - uniforms.rate * (slope[index] + uniforms.momentum * speed);
    }`,
};

/**
 * Inputs `value`, `slope`, `m`, `v` of one shape, of which the moving moments `m` and `v` are changed in place: nobody else
 * may hold them. Attributes `beta1`, `beta2`, `rate`, `epsilon`, `correction1 = 1 − β₁ᵗ`, `correction2 = 1 − β₂ᵗ`. Output: the new value.
 */
export const adamStep: KernelFunc = stepOf(adam);

/** Inputs `value`, `slope`, `velocity`, which is changed in place. Attributes `momentum`, `rate`. Output: the new value. */
export const momentumStep: KernelFunc = stepOf(momentum);

function stepOf(shader: Shader): KernelFunc {
  return ({inputs, backend: any, attrs}) => {
    const backend = any as WebgpuBackend;
    const given = inputs as unknown as Record<string, TensorInfo>;
    const {shape} = given['value'] as TensorInfo;
    const next = makeArray(backend, shape);
    const numbers = attrs as unknown as Record<string, number>;
    runShader(backend, shader, {arrays: {...given, next}, numbers, threads: util.sizeFromShape(shape)});
    return next;
  };
}
