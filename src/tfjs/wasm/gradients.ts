/**
 * Gradients that tfjs composes from operations which are slow on wasm, composed from fast ones
 * there. On every other backend the original gradient is used.
 *
 * - Sum and Mean multiply dy by a tensor of ones that is made in JavaScript: broadcast instead.
 * - Max compares x with its broadcast maximum, about 150 ns a value: subtractions and steps, which
 *   are vectorised, say the same.
 * - ClipByValue, Relu and Relu6 compare, select and multiply: one pass does.
 * - Batch normalisation with the statistics of its batch has a kernel of its own.
 */
import {
  broadcastTo,
  div,
  engine,
  getGradient,
  mul,
  registerGradient,
  reshape,
  step,
  sub,
  util,
  type GradConfig,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';
import {BATCH_NORM_TRAINING, BATCH_NORM_TRAINING_GRADIENT} from './batch-norm-training.js';
import {GATE_SLOPE} from './gate-slope.js';

type GradFunc = GradConfig['gradFunc'];

/** Installs the gradients, once per process; does nothing where tfjs' own are not loaded. */
export function installWasmGradients(): void {
  onWasm('Sum', (dy, saved, attributes) => ({x: () => spread(dy as Tensor, saved[0] as Tensor, attributes['axis']).full()}));
  onWasm('Mean', (dy, saved, attributes) => {
    const x = saved[0] as Tensor;
    return {
      x: () => {
        const {narrow, full} = spread(dy as Tensor, x, attributes['axis']);
        return full(div(narrow, x.size / narrow.size));
      },
    };
  });
  onWasm('Max', (dy, saved, attributes) => {
    const [x, maximum] = saved as [Tensor, Tensor];
    return {
      x: () => {
        const slope = spread(dy as Tensor, x, attributes['reductionIndices']).narrow;
        return mul(notAbove(reshape(maximum, slope.shape), x), slope); // every one of several maxima counts
      },
    };
  });
  onWasm('ClipByValue', (dy, saved, attributes) => {
    const [low, high] = [attributes['clipValueMin'], attributes['clipValueMax']] as [number, number];
    return {x: () => gated(dy as Tensor, saved[0] as Tensor, {low, high, openLow: false})};
  });
  onWasm('Relu', (dy, saved) => ({x: () => gated(dy as Tensor, saved[0] as Tensor, {low: 0, high: Infinity, openLow: true})}));
  onWasm('Relu6', (dy, saved) => ({x: () => gated(dy as Tensor, saved[0] as Tensor, {low: 0, high: 6, openLow: true})}));
  registerGradient({
    kernelName: BATCH_NORM_TRAINING,
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true],
    gradFunc: batchNormTrainingSlopes,
  });
}

/** dy where x lies between two bounds. */
function gated(dy: Tensor, x: Tensor, bounds: {low: number; high: number; openLow: boolean}): Tensor {
  return engine().runKernel(GATE_SLOPE, {dy, x} as NamedTensorMap, bounds);
}

/** All three at once, since they share their sums; the engine frees what is not asked for. */
function batchNormTrainingSlopes(dys: Tensor | Tensor[], saved: Tensor[], attributes: NamedAttrMap): ReturnType<GradFunc> {
  const [x, gamma, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
  const inputs: NamedTensorMap = {dy: (dys as Tensor[])[0] as Tensor, x, gamma, mean, variance};
  const [dx, dgamma, dbeta] = engine().runKernel(BATCH_NORM_TRAINING_GRADIENT, inputs, attributes) as unknown as [Tensor, Tensor, Tensor];
  return {x: () => dx, gamma: () => dgamma, beta: () => dbeta};
}

/** 1 where `a ≤ b`, else 0. */
function notAbove(a: Tensor | number, b: Tensor | number): Tensor {
  return sub(1, step(sub(a, b)));
}

function onWasm(kernelName: string, gradFunc: GradFunc): void {
  const original = getGradient(kernelName) as GradConfig | undefined;
  if (original === undefined || isMarked(original.gradFunc)) return;
  const choose: GradFunc = (dy, saved, attributes) =>
    engine().backendName === 'wasm' ? gradFunc(dy, saved, attributes) : original.gradFunc(dy, saved, attributes);
  registerGradient({...original, gradFunc: mark(choose)});
}

/** Gives dy of a reduction the rank of x (`narrow`), and repeats it over the reduced axes (`full`). */
function spread(dy: Tensor, x: Tensor, axis: NamedAttrMap[string] | undefined): {narrow: Tensor; full: (narrow?: Tensor) => Tensor} {
  const reduced = util.parseAxisParam(axis as number | number[], x.shape);
  const narrow = reshape(
    dy,
    x.shape.map((size, index) => (reduced.includes(index) ? 1 : size)),
  );
  return {narrow, full: (tensor = narrow) => broadcastTo(tensor, x.shape)};
}
