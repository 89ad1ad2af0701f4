/**
 * A step of an optimiser on one variable by the operation that TensorFlow has for it: one pass over the weights, where tfjs
 * composes it of ten. It changes variables of TensorFlow's own, three for all.
 */
import {scalar, tidy, type KernelFunc, type Tensor, type TensorInfo} from '@tensorflow/tfjs-core';
import {attribute, floats, type Attribute, type NativeBackend, type Output} from './_operations.js';

/**
 * Inputs `value`, `slope`, `m`, `v` of one shape, borrowed. Attributes `beta1`, `beta2`, `rate`, `epsilon`, `correction1 = 1 − β₁ᵗ`,
 * `correction2 = 1 − β₂ᵗ`. Outputs: the new `[value, m, v]`.
 */
export const adamStep: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as unknown as NativeBackend;
  const {value, m, v, slope} = inputs as Partial<Record<string, TensorInfo>>;
  const {beta1, beta2, rate, epsilon, correction1, correction2} = attrs as unknown as Record<string, number>;
  // The operation corrects the rate by itself, from powers of β in 32 bits, and adds ε to what is not corrected: so it is told that
  // nothing is left to correct.
  const deviation = Math.sqrt(correction2 as number);
  const numbers = [0, 0, ((rate as number) * deviation) / (correction1 as number), beta1, beta2, (epsilon as number) * deviation];
  const attributes = [attribute(backend, 'use_nesterov', 'BOOL', false)];
  return tidy(() => {
    const scalars = numbers.map((each) => scalar(each as number));
    return update(backend, 'ResourceApplyAdam', attributes, [value, m, v] as TensorInfo[], [...scalars, slope as TensorInfo]);
  });
};

/** Inputs `value`, `slope`, `velocity`, borrowed. Attributes `momentum`, `rate`. Outputs: the new `[value, velocity]`. */
export const momentumStep: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as unknown as NativeBackend;
  const {value, velocity, slope} = inputs as unknown as Record<'value' | 'velocity' | 'slope', TensorInfo>;
  const {momentum, rate} = attrs as unknown as {momentum: number; rate: number};
  const attributes = [attribute(backend, 'use_nesterov', 'BOOL', true)];
  return tidy(() => update(backend, 'ResourceApplyMomentum', attributes, [value, velocity], [scalar(rate), slope, scalar(momentum)]));
};

/** Variables of TensorFlow by backend; between two steps they hold what the last one has left in them. */
const variablesOf = new WeakMap<NativeBackend, number[]>();

/** Runs an operation that changes variables, on copies of tensors, and gives what they have become. */
function update(backend: NativeBackend, name: string, attributes: Attribute[], tensors: TensorInfo[], others: TensorInfo[]): Tensor[] {
  const {binding} = backend;
  const type = floats(backend, 'dtype');
  const variables = firstVariables(backend, tensors.length);
  const ids = backend.getInputTensorIds([...tensors, ...others]);
  variables.forEach((variable, index) => binding.executeOp('AssignVariableOp', [type], [variable, ids[index] as number], 0));
  binding.executeOp(name, [floats(backend), ...attributes], [...variables, ...ids.slice(tensors.length)], 0);
  return variables.map((variable) => {
    const [read] = binding.executeOp('ReadVariableOp', [type], [variable], 1);
    return backend.createOutputTensor(read as Output);
  });
}

function firstVariables(backend: NativeBackend, count: number): number[] {
  const made = variablesOf.get(backend) ?? [];
  variablesOf.set(backend, made);
  while (made.length < count) {
    const named = attribute(backend, 'shared_name', 'STRING', `attentive${made.length}`);
    const attributes = [named, floats(backend, 'dtype'), attribute(backend, 'shape', 'SHAPE', [])];
    const [handle] = backend.binding.executeOp('VarHandleOp', attributes, [], 1);
    made.push((handle as Output).id);
  }
  return made.slice(0, count);
}
