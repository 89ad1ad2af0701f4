/**
 * The ranking objective on images with their masks: what training minimises over the explanation network, and refining
 * over the map of one image.
 */
import {add, concat, mul, split, sub, tidy, type Tensor1D, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {rankingLoss, type RankingLossOptions} from '../losses/ranking-loss.js';

/** Images with what is shown of them. */
export interface RankedImages {
  /** `[N,H,W,C]`, network input, borrowed. */
  readonly images: Tensor4D;
  /** The class of each image that is explained. */
  readonly targets: ArrayLike<number>;
  /** m: `[N,H,W,1]` in 0–1, near 1 where the map ranks high, borrowed. */
  readonly shown: Tensor4D;
  /** What m is laid onto, and what stands where it is taken out: `[N,H,W,C]` each, borrowed. */
  readonly baselines: readonly [behind: Tensor4D, instead: Tensor4D];
  /** What the logits mean, and how both halves are read and weighed. */
  readonly loss: RankingLossOptions;
}

/**
 * Computes for each image the ranking loss of `x ⊙ m + behind ⊙ (1 − m)` and `x ⊙ (1 − m) + instead ⊙ m`: what the map ranks high should
 * be enough for the class, and what is left without it should not be.
 *
 * @param score The logits `[2N,K]` of masked images, K ≥ 2.
 * @returns `[N]`, the caller's. Differentiable with respect to `shown` as far as `score` is.
 */
export function rankingObjective(
  {images, targets, shown, baselines: [behind, instead], loss}: RankedImages,
  score: (masked: Tensor4D) => Tensor2D,
): Tensor1D {
  return tidy(() => {
    const hidden = sub<Tensor4D>(1, shown);
    const inserted = add<Tensor4D>(mul(images, shown), mul(behind, hidden));
    const deleted = add<Tensor4D>(mul(images, hidden), mul(instead, shown));
    const [insertedLogits, deletedLogits] = split(score(concat([inserted, deleted], 0)), 2, 0) as [Tensor2D, Tensor2D];
    return rankingLoss(insertedLogits, deletedLogits, targets, loss).total;
  });
}
