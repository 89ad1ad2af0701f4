/** Images per second of methods of explanation, each beside plain predictions of the network that is explained. */
import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {timeRatio, type Work} from './timing.js';

/** How a method is timed. */
export interface TimedMethod {
  /** Explains one image. */
  readonly work: Work;
  /** Whether it takes so long that it runs once. */
  readonly isSlow: boolean;
  /** How many times as much there is to do as `work` does. @default 1 */
  readonly times?: number;
}

/** What it has come to. */
export interface MethodRates {
  /** Images per second, by method; `'normal inference'` first. */
  readonly rates: Readonly<Record<string, number>>;
  /** The same ÷ the rate of plain predictions beside them. */
  readonly shares: Readonly<Record<string, number>>;
}

/** Times every method in turns with a plain prediction. */
export async function methodRates(predict: Work, methods: Readonly<Record<string, TimedMethod>>, repeats: number): Promise<MethodRates> {
  const rates: Record<string, number> = {};
  const shares: Record<string, number> = {};
  for (const [name, {work, isSlow, times = 1}] of Object.entries(methods)) {
    const {ratio, numerator, denominator} = await timeRatio(predict, work, isSlow ? {warmup: 0, repeats: 1} : {warmup: 2, repeats});
    rates['normal inference'] ??= 1000 / numerator;
    rates[name] = 1000 / (denominator * times);
    shares[name] = ratio / times;
  }
  return {rates, shares};
}

/** A plain prediction with its values read. */
export function predicting(model: LayersModel, image: Tensor4D): Work {
  return async () => {
    const scores = model.predict(image) as Tensor;
    await scores.data();
    scores.dispose();
  };
}
