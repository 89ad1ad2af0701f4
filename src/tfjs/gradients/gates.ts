/** The gradients of rectifiers and of clipping, which compare, select and multiply: where the backend has it, one kernel does. */
import {engine, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import {GATE_SLOPE, hasKernel} from '../own-kernels.js';
import {chooseGradient} from './choose-gradient.js';

interface Bounds {
  readonly low: number;
  readonly high: number;
  /** Whether `low` itself is shut. */
  readonly openLow: boolean;
}

/** Installs the gradients, once per process; does nothing where tfjs' own are not loaded. */
export function installGateGradients(): void {
  gated('Relu', () => ({low: 0, high: Infinity, openLow: true}));
  gated('Relu6', () => ({low: 0, high: 6, openLow: true}));
  gated('ClipByValue', (attributes) => {
    const {clipValueMin: low, clipValueMax: high} = attributes as {clipValueMin: number; clipValueMax: number};
    return {low, high, openLow: false};
  });
}

function gated(kernelName: string, boundsOf: (attributes: unknown) => Bounds): void {
  const fits = (_dy: unknown, saved: Tensor[]): boolean => saved[0]?.dtype === 'float32' && hasKernel(GATE_SLOPE);
  chooseGradient(kernelName, fits, (dy, saved, attributes) => ({
    x: () => engine().runKernel(GATE_SLOPE, {dy, x: saved[0]} as NamedTensorMap, {...boundsOf(attributes)}),
  }));
}
