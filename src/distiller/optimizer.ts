/** tfjs' optimizers with what they lack: a rate that can change, and a dispose that frees it. */
import {train, type Optimizer, type Tensor} from '@tensorflow/tfjs-core';
import type {FitSettings} from './options.js';

/** Makes Adam, or SGD with Nesterov momentum 0.9 (section 4.1). */
export function makeOptimizer(name: FitSettings['optimizer'], learningRate: number): Optimizer {
  return name === 'sgd' ? train.momentum(learningRate, 0.9, true) : train.adam(learningRate);
}

/** Changes the rate from the next step on. */
export function setLearningRate(optimizer: Optimizer, rate: number): void {
  const adjustable = optimizer as Optimizer & {learningRate: number; setLearningRate?: (rate: number) => void};
  // SGD keeps the rate in a tensor as well, which only its setter renews.
  if (adjustable.setLearningRate) adjustable.setLearningRate(rate);
  else adjustable.learningRate = rate;
}

/** Frees everything that the optimizer holds. */
export function disposeOptimizer(optimizer: Optimizer): void {
  // tfjs' momentum optimizer forgets the learning rate, which it inherits as a tensor.
  const {c} = optimizer as unknown as {c?: Tensor};
  optimizer.dispose();
  if (c !== undefined && !c.isDisposed) c.dispose();
}
