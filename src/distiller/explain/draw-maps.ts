/** Inference: what the trained networks draw for a batch of images. */
import {softmax, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {withTensors} from '../../core/tensors.js';
import type {SaliencyMap, Target, UnscoredMap} from '../../core/types.js';
import {resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import type {Draw} from './compiled-networks.js';

/** What the maps are to say besides their values. */
export interface DrawSettings {
  /** The seed that made the networks. */
  readonly seed: number;
  /** Whose score is reported. @default 'argmax' */
  readonly target?: Target | undefined;
  /** Whether class and score are reported. */
  readonly scored: boolean;
}

// Below one part in a million of the sigmoid's range, differences are rounding.
const EMPTY_RANGE = 1e-6;

/**
 * Draws one map per image and class with one pass of the student and one of the decoder. The
 * teacher is not asked: target and score are the student's.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @throws {RangeError} If the target is no class.
 */
export function drawMaps(draw: Draw, images: Tensor4D, settings: DrawSettings & {readonly scored: true}): Promise<SaliencyMap[]>;
export function drawMaps(draw: Draw, images: Tensor4D, settings: DrawSettings): Promise<UnscoredMap[]>;
export async function drawMaps(draw: Draw, images: Tensor4D, {seed, target, scored}: DrawSettings): Promise<UnscoredMap[]> {
  return withTensors(async (scope) => {
    const {saliency, probabilities} = tidy(() => {
      const drawing = draw(images, scored);
      return {saliency: drawing.saliency, probabilities: drawing.logits && softmax(drawing.logits)};
    });
    scope.own(saliency);
    if (probabilities !== undefined) scope.own(probabilities);
    const [count, height, width] = saliency.shape;
    const [pixels, values] = await Promise.all([saliency.data<'float32'>(), probabilities?.data<'float32'>()]);
    const reported: readonly (readonly (ResolvedTarget | undefined)[])[] =
      values && probabilities
        ? resolveTargets('explain', target, {values, numClasses: probabilities.shape[1]})
        : Array.from({length: count}, () => [undefined]);
    const options = scored ? {target: target ?? 'argmax'} : {score: false};
    return reported.flatMap((classes, index) => {
      const drawn = pixels.slice(index * height * width, (index + 1) * height * width);
      const empty = isEmpty(drawn);
      if (empty) drawn.fill(0);
      return classes.map((each, at) => ({
        // Every map owns its values.
        data: at === 0 ? drawn : drawn.slice(),
        height,
        width,
        ...each,
        method: 'attentive-distiller',
        seed,
        options,
        empty,
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
