/** The one place that loads sharp, an optional peer: only those who read or write pictures need it. */
import type sharp from 'sharp';
import {AttentiveError} from '../core/errors/attentive-error.js';

/**
 * Loads sharp.
 *
 * @throws {AttentiveError} If it is not installed or its binary does not load; the cause is attached.
 */
export async function loadSharp(): Promise<typeof sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new AttentiveError('Reading and writing pictures in Node needs the package sharp: npm install sharp', {cause});
  }
}
