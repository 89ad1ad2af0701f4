/** The samples that LIME draws with a seed: one row per sample, 1 where a segment is kept. */
import {sampleRow} from '../../src/baselines/lime/_neighbors.js';
import {Random} from '../../src/core/random.js';

export function limeRows(numSamples: number, numSegments: number, seed = 0): Uint8Array[] {
  const random = new Random(seed).split('lime');
  return Array.from({length: numSamples}, (_, row) => sampleRow(row, numSegments, random));
}
