/** Reads numbers back from the backend. */
import type {Tensor} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';

/** Reads every scalar; borrows them. */
export async function readScalars(scalars: Readonly<Record<string, Tensor>>): Promise<Record<string, number>> {
  const entries = Object.entries(scalars).map(async ([name, scalar]) => [name, at(await scalar.data(), 0)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
