/** How the layers start: seeded weights, and biases that open a gate. */
import {initializers} from '@tensorflow/tfjs-layers';
import {Random} from '../core/random.js';

/** An initializer of tfjs-layers; its class is not exported there. */
export type Initializer = ReturnType<typeof initializers.zeros>;

/** He initialisation drawn from the stream `label` of `seed`. */
export function seededHe(seed: number, label: string): Initializer {
  return initializers.heNormal({seed: new Random(seed).split(label).int(0x7fffffff)});
}

/** The logit of a probability strictly between 0 and 1. */
export function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}
