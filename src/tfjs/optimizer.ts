/**
 * The optimisers of training: tfjs' own, or, where the backend has a kernel that takes a whole step
 * in one pass, that one. Both come to the same numbers, to rounding.
 */
import {
  add,
  dispose,
  engine,
  scalar,
  tidy,
  train,
  zerosLike,
  type NamedTensorMap,
  type Optimizer,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {floatEpsilon} from './float-epsilon.js';
import {ADAM_STEP, hasKernel, MOMENTUM_STEP} from './own-kernels.js';

/** What training needs of an optimiser. */
export interface Updater {
  /** Changes the variables; borrows the gradients, by variable name. */
  apply(gradients: NamedTensorMap): void;
  /** Changes the rate from the next step on. */
  setRate(rate: number): void;
  /** What it has learned of the variables so far, in their order; borrowed. Nothing before the first step. */
  state(variables: readonly Variable[]): UpdaterState;
  /** Goes on from a state of other variables of the same shapes, in the same order; borrowed. */
  restore(variables: readonly Variable[], state: UpdaterState): void;
  /** Frees everything that it holds. */
  dispose(): void;
}

/** What an optimiser remembers between two steps. */
export interface UpdaterState {
  /** Steps taken. */
  readonly steps: number;
  /** The places of the variables that had a gradient. */
  readonly places: readonly number[];
  readonly tensors: readonly Tensor[];
}

/** `'adam'`, `'sgd'` with Nesterov momentum, or `'momentum'`: the same without Nesterov's look ahead. */
export type OptimizerName = 'adam' | 'sgd' | 'momentum';

/** One accumulator of tfjs' optimisers. */
interface Slot {
  /** The name of what it belongs to, with one part more. */
  readonly originalName: string;
  readonly variable: Variable;
}

/** Where tfjs' optimisers keep what they remember. */
interface Remembered {
  readonly accBeta1?: Variable;
  readonly accBeta2?: Variable;
  readonly accumulatedFirstMoment?: Slot[];
  readonly accumulatedSecondMoment?: Slot[];
  readonly accumulations?: Slot[];
}

const MOMENTUM = 0.9;
// Those of Adam's paper, except ε, which follows the precision of the backend, as in tfjs.
const ADAM = {beta1: 0.9, beta2: 0.999} as const;

/** Makes Adam, or SGD with momentum 0.9, Nesterov's or plain (both section 4.1), for the backend in use. */
export function makeUpdater(name: OptimizerName, rate: number): Updater {
  if (name === 'momentum') return composedUpdater(name, rate);
  const kernelName = name === 'adam' ? ADAM_STEP : MOMENTUM_STEP;
  return hasKernel(kernelName) ? fusedUpdater(kernelName, rate) : composedUpdater(name, rate);
}

function composedUpdater(name: OptimizerName, rate: number): Updater {
  const optimizer: Optimizer =
    name === 'adam' ? train.adam(rate, ADAM.beta1, ADAM.beta2, floatEpsilon()) : train.momentum(rate, MOMENTUM, name === 'sgd');
  // getWeights() of tfjs leaves the powers of β out, and setWeights() computes them otherwise than the steps do.
  const {accBeta1, accBeta2, ...lists} = optimizer as unknown as Remembered;
  const powers = [accBeta1, accBeta2].filter((power) => power !== undefined);
  const names = ['accumulatedFirstMoment', 'accumulatedSecondMoment', 'accumulations'] as const;
  const slots = (): Slot[] => names.flatMap((list) => lists[list] ?? []);
  const remembered = (): Variable[] => [...powers, ...slots().map(({variable}) => variable)];
  let steps = 0;
  return {
    apply: (gradients) => {
      optimizer.applyGradients(gradients);
      steps++;
    },
    state: (variables) => {
      const owners = slots().map(({originalName}) => originalName.slice(0, originalName.lastIndexOf('/')));
      const places = [...new Set(owners)].map((owner) => variables.findIndex((variable) => variable.name === owner));
      return {steps, places, tensors: remembered()};
    },
    restore: (variables, state) => {
      const moved = state.places.map((place) => at(variables, place));
      const before = moved.map((variable) => variable.clone());
      // A step with gradients of zero makes the slots.
      const zeros = Object.fromEntries(moved.map((variable) => [variable.name, zerosLike(variable)]));
      optimizer.applyGradients(zeros);
      moved.forEach((variable, index) => variable.assign(at(before, index)));
      dispose([...Object.values(zeros), ...before]);
      const all = slots();
      const isFused = powers.length > 0 && state.tensors.length === all.length;
      if (!isFused) remembered().forEach((slot, index) => slot.assign(at(state.tensors, index)));
      else {
        [ADAM.beta1, ADAM.beta2].forEach((beta, index) =>
          tidy(() => at(powers, index).assign(scalar(powerInSteps(beta, state.steps + 1)))),
        );
        const perVariable = all.length / moved.length;
        all.forEach(({variable}, index) => {
          const [offset, place] = [Math.floor(index / moved.length), index % moved.length];
          variable.assign(at(state.tensors, place * perVariable + offset));
        });
      }
      steps = state.steps;
    },
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

/** β to a power as tfjs' Adam comes to it: multiplied step by step, in 32 bits. */
function powerInSteps(beta: number, exponent: number): number {
  let power = Math.fround(beta);
  for (let step = 1; step < exponent; step++) power = Math.fround(power * Math.fround(beta));
  return power;
}

/** The same values in a place of their own: they will be changed there. */
function copyOf(tensor: Tensor): Tensor {
  return tidy(() => add(tensor, 0));
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
        const [next, ...moved] = tidy(() => {
          const outputs = engine().runKernel(kernelName, {value, slope, ...own} as NamedTensorMap, attributes) as Tensor | Tensor[];
          return [outputs].flat() as [Tensor, ...Tensor[]];
        });
        value.assign(next);
        next.dispose();
        if (moved.length === 0) continue; // changed in place
        dispose(own);
        state[name] = Object.fromEntries(slots.map((slot, index) => [slot, at(moved, index)]));
      }
    },
    setRate: (next) => {
      rate = next;
    },
    state: (variables) => {
      const places = [...variables.keys()].filter((place) => at(variables, place).name in state);
      const tensors = places.flatMap((place) => slots.map((slot) => state[at(variables, place).name]?.[slot] as Tensor));
      return {steps, places, tensors};
    },
    restore: (variables, {steps: taken, places, tensors}) => {
      steps = taken;
      // What tfjs' Adam has written begins with the powers of β and goes slot by slot.
      const before = tensors.length - places.length * slots.length;
      places.forEach((place, index) => {
        const placeOf = (offset: number): number => (before > 0 ? before + offset * places.length + index : index * slots.length + offset);
        const own = slots.map((slot, offset) => [slot, copyOf(at(tensors, placeOf(offset)))]);
        state[at(variables, place).name] = Object.fromEntries(own) as NamedTensorMap;
      });
    },
    dispose: () => dispose(state as unknown as NamedTensorMap),
  };
}
