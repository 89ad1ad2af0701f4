/**
 * Insertion and deletion, step by step: what the network is shown when the most important pixels have come in or gone, and how
 * sure it is then. Pictures and scores are those of the library's metrics, not an imitation.
 */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {
  deletionScore,
  insertionScore,
  toNetworkInput,
  type CausalScore,
  type DecodedImage,
  type RunOptions,
  type SaliencyMap,
  type Teacher,
} from 'attentive-distiller';
import {blurImages, defaultStepSize, rankPixels} from 'attentive-distiller/metrics';
import {batchSizeFor} from './methods.js';

/** An input of at most so many pixels is measured in more steps. */
export const SMALL: number = 100 ** 2;
const FINE_STEPS = 64;

/** Everything that a slider needs. */
export interface Exchange {
  readonly insertion: CausalScore;
  readonly deletion: CausalScore;
  readonly height: number;
  readonly width: number;
  /** The picture as the network sees it, blurred, and without anything; RGBA. */
  readonly whole: Uint8ClampedArray;
  readonly blurred: Uint8ClampedArray;
  readonly nothing: Uint8ClampedArray;
  /** Pixels, the most important first. */
  readonly order: Uint32Array;
}

export async function exchangeOf(
  image: DecodedImage,
  map: SaliencyMap,
  teacher: Teacher,
  target: number,
  {signal, onProgress}: RunOptions,
): Promise<Exchange> {
  const input = toNetworkInput([image], teacher);
  try {
    const [height, width] = teacher.inputShape;
    const [whole, blurred] = [await picturesOf(input, teacher), await blurredOf(input, teacher)];
    const nothing = displayed(new Float32Array(input.size), teacher);
    // Small networks answer fast enough for a smooth curve; others take the usual steps.
    const stepSize = height * width <= SMALL ? Math.ceil((height * width) / FINE_STEPS) : defaultStepSize(height, width);
    const run = {target, stepSize, batchSize: batchSizeFor(teacher), signal};
    const half =
      (before: number) =>
      ({done, total}: {readonly done: number; readonly total: number}): void =>
        onProgress?.({stage: 'exchange', done: before + done, total: 2 * total});
    const [insertion] = await insertionScore([image], [map], teacher, {...run, onProgress: half(0)});
    const [deletion] = await deletionScore([image], [map], teacher, {...run, onProgress: half(insertion?.curve.length ?? 0)});
    if (insertion === undefined || deletion === undefined) throw new Error('There is no curve of this map.');
    return {insertion, deletion, height, width, whole, blurred, nothing, order: rankPixels(map.data)};
  } finally {
    input.dispose();
  }
}

/** What the network is shown after so many pixels. */
export function shownAfter({order, whole, blurred, nothing}: Exchange, way: CausalScore['kind'], count: number): Uint8ClampedArray {
  const [start, finish] = way === 'insertion' ? [blurred, whole] : [whole, nothing];
  const shown = Uint8ClampedArray.from(start);
  for (const pixel of order.subarray(0, count))
    for (let index = 4 * pixel; index < 4 * pixel + 4; index++) shown[index] = finish[index] ?? 0;
  return shown;
}

async function blurredOf(input: Tensor4D, teacher: Teacher): Promise<Uint8ClampedArray> {
  const blurred = blurImages(input);
  try {
    return await picturesOf(blurred, teacher);
  } finally {
    blurred.dispose();
  }
}

async function picturesOf(input: Tensor4D, teacher: Teacher): Promise<Uint8ClampedArray> {
  return displayed(await input.data<'float32'>(), teacher);
}

/** Network input as it would look on a screen: the preprocessing undone. */
function displayed(values: Float32Array, {preprocessing, inputShape}: Teacher): Uint8ClampedArray {
  const [height, width, channels] = inputShape;
  const {scale = 1, mean = 0, std = 1, channelOrder = 'rgb'} = preprocessing ?? {};
  const of = (value: number | readonly number[], channel: number): number => (typeof value === 'number' ? value : (value[channel] ?? 0));
  const shown = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let pixel = 0; pixel < height * width; pixel++)
    for (let colour = 0; colour < 3; colour++) {
      const channel = channels === 1 ? 0 : channelOrder === 'bgr' ? 2 - colour : colour;
      shown[4 * pixel + colour] = ((values[channels * pixel + channel] ?? 0) * of(std, channel) + of(mean, channel)) / scale;
    }
  return shown;
}
