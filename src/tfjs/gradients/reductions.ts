/**
 * The gradients of sums, means and maxima.
 *
 * - Those of Sum and Mean multiply dy by a tensor of ones that is made in JavaScript and sent to the device, tens of
 *   megabytes for a batch of feature maps: here dy is repeated by the device itself. On cpu nothing has to be sent.
 * - That of Max compares x with its broadcast maximum, which on wasm takes about 150 ns a value: subtractions and steps,
 *   which are vectorised, say the same.
 */
import {broadcastTo, div, engine, mul, reshape, step, sub, util, type NamedAttrMap, type Tensor} from '@tensorflow/tfjs-core';
import {chooseGradient} from './choose-gradient.js';

/** Installs the gradients, once per process; does nothing where tfjs' own are not loaded. */
export function installReductionGradients(): void {
  const sends = (): boolean => engine().backendName !== 'cpu';
  chooseGradient('Sum', sends, (dy, saved, attributes) => ({
    x: () => repeated(narrow(dy as Tensor, saved[0] as Tensor, attributes['axis']), saved[0] as Tensor),
  }));
  chooseGradient('Mean', sends, (dy, saved, attributes) => ({
    x: () => {
      const x = saved[0] as Tensor;
      const slope = narrow(dy as Tensor, x, attributes['axis']);
      return repeated(div(slope, x.size / slope.size), x);
    },
  }));
  const isOnWasm = (): boolean => engine().backendName === 'wasm';
  chooseGradient('Max', isOnWasm, (dy, saved, attributes) => {
    const [x, maximum] = saved as [Tensor, Tensor];
    return {
      x: () => {
        const slope = narrow(dy as Tensor, x, attributes['reductionIndices']);
        const below = step(sub(reshape(maximum, slope.shape), x));
        return mul(sub(1, below), slope); // every one of several maxima counts
      },
    };
  });
}

/** Gives dy of a reduction the rank of x. */
function narrow(dy: Tensor, x: Tensor, axis: NamedAttrMap[string] | undefined): Tensor {
  const reduced = util.parseAxisParam(axis as number | number[], x.shape);
  return reshape(
    dy,
    x.shape.map((size, index) => (reduced.includes(index) ? 1 : size)),
  );
}

function repeated(slope: Tensor, {shape}: Tensor): Tensor {
  return broadcastTo(slope, shape);
}
