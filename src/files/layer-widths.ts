/**
 * Compares what a topology promises with the weights that come with it, before tfjs draws weights of that size at
 * random: a small file can ask for more than a machine has.
 */
import type {io} from '@tensorflow/tfjs-core';
import {ModelFileError} from '../core/errors/model-file-error.js';

/** Options of layers that are a side of one of their weights. */
const widths = ['filters', 'units', 'input_dim', 'output_dim'];

/**
 * Checks that no layer is wider than the largest side of any weight.
 *
 * @param where Begins the message, e.g. the path of the model file.
 * @throws {ModelFileError} If one is.
 */
export function checkWidths(where: string, topology: object, specs: readonly io.WeightsManifestEntry[]): void {
  const largest = specs.reduce((most, {shape}) => Math.max(most, ...shape), 0);
  const open: object[] = [topology];
  for (let config = open.pop(); config !== undefined; config = open.pop()) {
    for (const [name, value] of Object.entries(config)) {
      if (typeof value === 'object' && value !== null) open.push(value);
      if (!widths.includes(name) || typeof value !== 'number' || value <= largest) continue;
      throw new ModelFileError(
        `${where}: a layer has ${name} ${value}, but no weight is as large: the largest side is ${largest}. Topology and weights come from different models; export the model again.`,
      );
    }
  }
}
