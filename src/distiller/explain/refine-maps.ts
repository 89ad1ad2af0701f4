/**
 * Refining: some steps of Adam on the maps of a batch themselves, on the loss of training, with probabilities as they are
 * and both halves alike. A map changes by a coarse grid that is enlarged and added to it: freely, it would learn grain.
 */
import {
  add,
  sum,
  tidy,
  variable,
  variableGrads,
  zeros,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  type Variable,
} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {NonFiniteLossError} from '../../core/errors/non-finite-loss-error.js';
import type {Random} from '../../core/random.js';
import type {ClassKind} from '../../core/types.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import {resizeBilinear} from '../../data/resize.js';
import {rankingMaskAt, standardizeMap} from '../../losses/ranking-mask.js';
import {baselineKinds, randomBaselines} from '../../queries/random-baselines.js';
import {disposeAbandonedTape} from '../../tfjs/abandoned-tape.js';
import {makeUpdater} from '../../tfjs/optimizer.js';
import {rankingObjective} from '../ranking-objective.js';
import {stratifiedPlaces} from './stratified-places.js';

/** How maps are refined. */
export interface RefineRun {
  /** Names the caller in messages. */
  readonly where: string;
  /** Steps, at least 1. */
  readonly steps: number;
  /** Rows and columns of the change, at most those of the map. */
  readonly size: number;
  /** Draws levels and baselines, the same ones for an image whatever it is in a batch with. */
  readonly random: Random;
  /** The logits `[N,K]` of masked images, K ≥ 2; differentiable. */
  readonly score: (masked: Tensor4D) => Tensor2D;
  /** What they mean. */
  readonly kind: ClassKind;
  /** Stops before the next step. */
  readonly signal: AbortSignal | undefined;
  /** Called after each step. */
  readonly onStep: () => void;
}

/** The images of a batch and what is explained of them. */
export interface RefinedImages {
  /** `[N,H,W,C]`, network input, borrowed. */
  readonly images: Tensor4D;
  /** The class of each. */
  readonly targets: ArrayLike<number>;
  /** Index among all images of the first of these. */
  readonly first: number;
}

// In standard deviations of the map. Falls to nothing over the steps: the last ones draw as few levels as the first, and would add
// grain.
const RATE = 0.3;
// How soft the map is cut, in its standard deviations, at the first step and towards the last: at first many pixels have to learn which
// way to go, and in the end what is taken out has to be really gone, which deletion asks for.
const SOFTNESS = [0.3, 0.05] as const;

/**
 * Refines one map of each image.
 *
 * @param maps `[N,H,W,1]`, the decoder's; borrowed.
 * @returns `[N,H,W,1]`, standardised maps with what was added to them; the caller's.
 * @throws {NonFiniteLossError} If the scorer's gradient is not finite.
 */
export async function refineMaps(maps: Tensor4D, batch: RefinedImages, run: RefineRun): Promise<Tensor4D> {
  const [count, height, width] = maps.shape;
  const drawn = standardizeMap(maps);
  const change = tidy(() => variable(zeros([count, Math.min(run.size, height), Math.min(run.size, width), 1]))) as Variable;
  const updater = makeUpdater('adam', RATE);
  const changed = (): Tensor4D => tidy(() => add<Tensor4D>(drawn, resizeBilinear(change as Tensor as Tensor4D, [height, width])));
  try {
    for (let step = 0; step < run.steps; step++) {
      await yieldToEvents();
      run.signal?.throwIfAborted();
      const random = run.random.split(step);
      const maps = changed();
      const places = await stratifiedPlaces(maps, random.split('levels'), batch.first).finally(() => maps.dispose());
      if (places === undefined) throw diverged(run, step);
      const progress = step / run.steps;
      const softness = SOFTNESS[0] + (SOFTNESS[1] - SOFTNESS[0]) * progress;
      const gradient = gradientOf(change, changed, {...run, batch, places, softness, random: random.split('baselines')});
      updater.setRate(RATE * (1 - progress));
      updater.apply({[change.name]: gradient});
      gradient.dispose();
      run.onStep();
    }
    if ((await change.data<'float32'>()).some((value) => !Number.isFinite(value))) throw diverged(run, run.steps);
    return changed();
  } finally {
    updater.dispose();
    change.dispose();
    drawn.dispose();
  }
}

/** What the loss of a step is made of. */
interface StepLoss extends Pick<RefineRun, 'score' | 'kind'> {
  readonly batch: RefinedImages;
  /** For each stratum the pixel of each image. */
  readonly places: readonly Int32Array[];
  readonly softness: number;
  readonly random: Random;
}

/** The gradient of the losses of all images, which do not meet: their sum, so that the batch size changes nothing. */
function gradientOf(change: Variable, changed: () => Tensor4D, {batch, places, softness, random, score, kind}: StepLoss): Tensor {
  const {images, targets, first} = batch;
  try {
    return tidy(() => {
      const baselines = randomBaselines(images, baselineKinds, random, 2 * places.length, first);
      // One stratum after the other: that holds half as much as both at once.
      const gradients = places.map((of, stratum) => {
        const pair = [at(baselines, 2 * stratum), at(baselines, 2 * stratum + 1)] as const;
        const loss = (): Scalar =>
          sum(
            rankingObjective(
              {images, targets, shown: rankingMaskAt(changed(), of, softness), baselines: pair, loss: {classes: kind}},
              score,
            ),
          );
        const {value, grads} = variableGrads(loss, [change]);
        value.dispose();
        return grads[change.name] as Tensor;
      });
      return gradients.reduce((all, each) => add(all, each));
    });
  } catch (error) {
    disposeAbandonedTape();
    throw error;
  }
}

function diverged({where}: RefineRun, step: number): NonFiniteLossError {
  return new NonFiniteLossError(
    `${where}: refining diverged at step ${Math.max(step, 1)}: the gradient of the teacher's probability of the class must be finite where parts of an image are hidden.`,
  );
}
