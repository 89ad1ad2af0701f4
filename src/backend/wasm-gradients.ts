/**
 * Gradients that tfjs composes from operations which are slow on wasm, composed from fast ones
 * there. On every other backend the original gradient is used.
 *
 * - Sum and Mean multiply dy by a tensor of ones that is made in JavaScript: broadcast instead.
 * - Max compares x with its broadcast maximum, about 150 ns a value, and ClipByValue combines two
 *   comparisons with a selection: subtractions and steps, which are vectorised, say the same.
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
  type Tensor,
} from '@tensorflow/tfjs-core';
import {isMarked, mark} from './_mark.js';

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
    const x = saved[0] as Tensor;
    const [low, high] = [attributes['clipValueMin'], attributes['clipValueMax']] as [number, number];
    return {x: () => mul(mul(notAbove(low, x), notAbove(x, high)), dy as Tensor)};
  });
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
  const narrow = reshape(dy, x.shape.map((size, index) => (reduced.includes(index) ? 1 : size)));
  return {narrow, full: (tensor = narrow) => broadcastTo(tensor, x.shape)};
}
