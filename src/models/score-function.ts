/** The scores of a batch, and how those that a function returns become them. */
import {Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import type {ScoreFn} from '../core/types.js';
import {yieldToEvents} from '../core/yield-to-events.js';

// What rounding may add to a probability that was summed or averaged in float32.
const ROUNDING = 1e-5;

/** The scores of a batch. */
export interface BatchScores {
  /** `N · numClasses` finite values, row by row. */
  readonly values: Float32Array;
  /** Scores per image: at least 2, or 1 for a function of the logits. */
  readonly numClasses: number;
}

/**
 * Asks a score function about a batch, which stays the caller's; waiting events run first.
 *
 * @param who Names the function in messages.
 * @throws {RangeError} If it returns anything but N equally long rows of finite values, or one column that leaves [0,1].
 */
export async function scoreByFunction(score: ScoreFn, batch: Tensor4D, who: string): Promise<BatchScores> {
  const count = batch.shape[0];
  await yieldToEvents();
  const scores = await score(batch);
  if (scores instanceof Tensor) return readScores(scores, count, who);
  if (scores instanceof Float32Array) {
    if (scores.length === 0 || scores.length % count !== 0) throw malformed(who, count, `${scores.length} values`);
    return checkScores(scores, count, who);
  }
  return checkScores(flatten(scores, count, who), count, who);
}

/** Reads and disposes a tensor of scores. @throws {RangeError} See {@link scoreByFunction}. */
export async function readScores(scores: Tensor2D, count: number, who: string): Promise<BatchScores> {
  try {
    const [rows, columns] = scores.shape;
    if (scores.shape.length !== 2 || rows !== count || columns === 0) throw malformed(who, count, show(scores));
    return checkScores(Float32Array.from(await scores.data()), count, who);
  } finally {
    scores.dispose();
  }
}

function flatten(scores: unknown, count: number, who: string): Float32Array {
  if (!Array.isArray(scores)) throw malformed(who, count, show(scores));
  const rows = scores as readonly (ArrayLike<number> | null | undefined)[];
  const widths = rows.map((row) => row?.length ?? 0);
  const [width = 0] = widths;
  if (rows.length !== count || width === 0 || widths.some((each) => each !== width)) {
    throw malformed(who, count, `${rows.length} rows of ${[...new Set(widths)].slice(0, 4).join(' and ')} values`);
  }
  return Float32Array.from(rows.flatMap((row) => Array.from(row as ArrayLike<number>)));
}

function checkScores(values: Float32Array, count: number, who: string): BatchScores {
  const numClasses = values.length / count;
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `${who} must give finite scores, but gave ${values[bad]} for image ${Math.floor(bad / numClasses)} of the batch, class ${bad % numClasses}.`,
    );
  }
  return numClasses === 1 ? {values: bothSides(values, who), numClasses: 2} : {values, numClasses};
}

/** p of one output as the classes 0 and 1: `[1 − p, p]`. */
function bothSides(values: Float32Array, who: string): Float32Array {
  const sides = new Float32Array(2 * values.length);
  values.forEach((value, image) => {
    if (value < -ROUNDING || value > 1 + ROUNDING) {
      throw new RangeError(
        `${who} gave one score per image, which has to be a probability from 0 to 1, but gave ${value} for image ${image} of the batch. ` +
          'Return the sigmoid of a single logit, or one column per class.',
      );
    }
    const positive = Math.min(Math.max(value, 0), 1);
    sides.set([1 - positive, positive], 2 * image);
  });
  return sides;
}

function malformed(who: string, count: number, what: string): RangeError {
  return new RangeError(`${who} must return one row of scores per image, [${count}, classes], but returned ${what}.`);
}
