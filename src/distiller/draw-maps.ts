/** Inference: what the trained networks draw for a batch of images. */
import {softmax, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {withTensors} from '../core/tensors.js';
import type {SaliencyMap} from '../core/types.js';
import {runStudent, type Networks} from './loss-step.js';

// Below one part in a million of the sigmoid's range, differences are rounding.
const EMPTY_RANGE = 1e-6;

/**
 * Draws one map per image with one pass of the student and one of the decoder. The teacher is not
 * asked: `target` and `score` are the student's.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 */
export async function drawMaps(networks: Networks, images: Tensor4D, seed: number, options: Readonly<Record<string, unknown>>): Promise<SaliencyMap[]> {
  return withTensors(async (scope) => {
    const {probabilities, saliency} = tidy(() => {
      const {logits, deltas} = runStudent(networks.student, images, false);
      return {probabilities: softmax(logits), saliency: networks.decoder.apply(deltas) as Tensor4D};
    });
    scope.own(probabilities);
    scope.own(saliency);
    const [count, height, width] = saliency.shape;
    const [values, scores] = await Promise.all([saliency.data<'float32'>(), probabilities.data<'float32'>()]);
    return Array.from({length: count}, (_, index) => {
      const data = values.slice(index * height * width, (index + 1) * height * width);
      const {target, score} = best(scores.subarray((index * scores.length) / count, ((index + 1) * scores.length) / count));
      const empty = isEmpty(data);
      if (empty) data.fill(0);
      return {data, height, width, target, score, method: 'attentive-distiller', seed, options, empty};
    });
  });
}

function best(scores: Float32Array): {target: number; score: number} {
  let target = 0;
  for (let index = 1; index < scores.length; index++) if ((scores[index] as number) > (scores[target] as number)) target = index;
  return {target, score: scores[target] as number};
}

function isEmpty(data: Float32Array): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return !(high - low > EMPTY_RANGE);
}
