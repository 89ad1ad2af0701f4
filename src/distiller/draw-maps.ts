/** Inference: what the trained networks draw for a batch of images. */
import {softmax, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {withTensors} from '../core/tensors.js';
import type {SaliencyMap, Target} from '../core/types.js';
import {resolveTargets} from '../models/targets.js';
import {runStudent, type Networks} from './loss-step.js';

// Below one part in a million of the sigmoid's range, differences are rounding.
const EMPTY_RANGE = 1e-6;

/**
 * Draws one map per image and class with one pass of the student and one of the decoder. The
 * teacher is not asked: target and score are the student's.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @throws {RangeError} If the target is no class.
 */
export async function drawMaps(networks: Pick<Networks, 'student' | 'decoder'>, images: Tensor4D, seed: number, target?: Target): Promise<SaliencyMap[]> {
  return withTensors(async (scope) => {
    const {probabilities, saliency} = tidy(() => {
      const {logits, deltas} = runStudent(networks.student, images, false);
      return {probabilities: softmax(logits), saliency: networks.decoder.apply(deltas) as Tensor4D};
    });
    scope.own(probabilities);
    scope.own(saliency);
    const [, height, width] = saliency.shape;
    const [pixels, values] = await Promise.all([saliency.data<'float32'>(), probabilities.data<'float32'>()]);
    const targets = resolveTargets('explain', target, {values, numClasses: probabilities.shape[1]});
    return targets.flatMap((classes, index) => {
      const drawn = pixels.slice(index * height * width, (index + 1) * height * width);
      const empty = isEmpty(drawn);
      if (empty) drawn.fill(0);
      return classes.map((each, at) => ({
        // Every map owns its values.
        data: at === 0 ? drawn : drawn.slice(),
        height, width, ...each, method: 'attentive-distiller', seed, options: {target: target ?? 'argmax'}, empty,
      }));
    });
  });
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
