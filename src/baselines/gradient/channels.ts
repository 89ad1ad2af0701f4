/** From a gradient with channels to one value per pixel. */
import type {Tensor} from '@tensorflow/tfjs-core';

/** How the channels of a pixel become one value. */
export type ChannelReduction = 'max-abs' | 'sum-abs' | 'signed-sum' | 'gradient-times-input';

/** Every reduction. */
export const channelReductions: readonly ChannelReduction[] = ['max-abs', 'sum-abs', 'signed-sum', 'gradient-times-input'];

/**
 * Reduces a gradient over its last axis.
 *
 * @param gradient `pixels · channels` values.
 * @param input The network's input, as many values; read by `'gradient-times-input'` only.
 * @returns One value per pixel.
 */
export function reduceChannels(
  gradient: ArrayLike<number>,
  channels: number,
  reduction: ChannelReduction,
  input: ArrayLike<number>,
): Float32Array {
  const join = joins[reduction];
  return Float32Array.from({length: gradient.length / channels}, (_, pixel) => {
    let value = 0;
    for (let at = pixel * channels; at < (pixel + 1) * channels; at++) value = join(value, gradient[at] as number, input[at] as number);
    return value;
  });
}

/** Reads a tensor and disposes it, also if reading fails. */
export async function readAndFree(made: Promise<Tensor>): Promise<Float32Array> {
  const tensor = await made;
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}

const joins: Readonly<Record<ChannelReduction, (so: number, gradient: number, input: number) => number>> = {
  'max-abs': (so, gradient) => Math.max(so, Math.abs(gradient)),
  'sum-abs': (so, gradient) => so + Math.abs(gradient),
  'signed-sum': (so, gradient) => so + gradient,
  'gradient-times-input': (so, gradient, input) => so + gradient * input,
};
