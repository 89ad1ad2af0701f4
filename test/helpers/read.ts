/** Reads tensors without waiting for the GPU in the middle: some backends cannot do that. */
import {tidy, type Tensor} from '@tensorflow/tfjs-core';

/** Computes in a tidy, reads the result and frees it. */
export async function read(compute: () => Tensor): Promise<Float32Array> {
  return (await readAll(() => ({result: compute()}))).result;
}

/** The same for several results, by name. */
export async function readAll<Name extends string>(compute: () => Record<Name, Tensor>): Promise<Record<Name, Float32Array>> {
  const tensors = Object.entries<Tensor>(tidy(compute));
  try {
    const values = await Promise.all(tensors.map(async ([name, tensor]) => [name, await tensor.data()]));
    return Object.fromEntries(values) as Record<Name, Float32Array>;
  } finally {
    for (const [, tensor] of tensors) tensor.dispose();
  }
}
