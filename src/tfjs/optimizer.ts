/**
 * The optimisers of training: tfjs' own, or, where the backend has a kernel that takes a whole step
 * in one pass, that one. Both come to the same numbers, to rounding.
 */
import {
  dispose,
  engine,
  getKernel,
  tidy,
  train,
  zerosLike,
  type KernelConfig,
  type NamedTensorMap,
  type Optimizer,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import {floatEpsilon} from './float-epsilon.js';
import {ADAM_STEP, MOMENTUM_STEP} from './wasm/optimizer-steps.js';

/** What training needs of an optimiser. */
export interface Updater {
  /** Changes the variables; borrows the gradients, by variable name. */
  apply(gradients: NamedTensorMap): void;
  /** Changes the rate from the next step on. */
  setRate(rate: number): void;
  /** Frees everything that it holds. */
  dispose(): void;
}

/** `'adam'`, or `'sgd'` with Nesterov momentum. */
export type OptimizerName = 'adam' | 'sgd';

const MOMENTUM = 0.9;
// Those of Adam's paper, except ε, which follows the precision of the backend, as in tfjs.
const ADAM = {beta1: 0.9, beta2: 0.999} as const;

/** Makes Adam, or SGD with Nesterov momentum 0.9 (section 4.1), for the backend in use. */
export function makeUpdater(name: OptimizerName, rate: number): Updater {
  const kernelName = name === 'adam' ? ADAM_STEP : MOMENTUM_STEP;
  const kernel = getKernel(kernelName, engine().backendName) as KernelConfig | undefined;
  return kernel === undefined ? composedUpdater(name, rate) : fusedUpdater(kernelName, rate);
}

function composedUpdater(name: OptimizerName, rate: number): Updater {
  const optimizer: Optimizer =
    name === 'sgd' ? train.momentum(rate, MOMENTUM, true) : train.adam(rate, ADAM.beta1, ADAM.beta2, floatEpsilon());
  return {
    apply: (gradients) => optimizer.applyGradients(gradients),
    setRate: (next) => {
      const adjustable = optimizer as Optimizer & {learningRate: number; setLearningRate?: (rate: number) => void};
      // SGD keeps the rate in a tensor as well, which only its setter renews.
      if (adjustable.setLearningRate) adjustable.setLearningRate(next);
      else adjustable.learningRate = next;
    },
    dispose: () => {
      // tfjs' momentum optimizer forgets the learning rate, which it inherits as a tensor.
      const {c} = optimizer as unknown as {c?: Tensor};
      optimizer.dispose();
      if (c !== undefined && !c.isDisposed) c.dispose();
    },
  };
}

function fusedUpdater(kernelName: typeof ADAM_STEP | typeof MOMENTUM_STEP, firstRate: number): Updater {
  const state: Record<string, NamedTensorMap> = {};
  const slots = kernelName === ADAM_STEP ? ['m', 'v'] : ['velocity'];
  let rate = firstRate;
  let steps = 0;
  return {
    apply: (gradients) => {
      steps++;
      const adam = {...ADAM, epsilon: floatEpsilon(), correction1: 1 - ADAM.beta1 ** steps, correction2: 1 - ADAM.beta2 ** steps};
      const attributes = {rate, ...(kernelName === ADAM_STEP ? adam : {momentum: MOMENTUM})};
      for (const [name, slope] of Object.entries(gradients)) {
        const value = engine().registeredVariables[name] as Variable;
        const own = (state[name] ??= Object.fromEntries(slots.map((slot) => [slot, zerosLike(value)])));
        tidy(() => value.assign(engine().runKernel(kernelName, {value, slope, ...own} as NamedTensorMap, attributes)));
      }
    },
    setRate: (next) => {
      rate = next;
    },
    dispose: () => dispose(state as unknown as NamedTensorMap),
  };
}
