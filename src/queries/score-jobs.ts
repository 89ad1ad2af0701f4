/** Scores of many perturbed images: jobs of all images share batches, and every batch but the last is full. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger} from '../core/check.js';
import {inOrder, partsOf, type Part} from '../core/in-order.js';
import type {BatchScores} from '../models/score-model.js';
import type {BatchScorer} from './batch-scorer.js';

/** What is scored, and for which class. */
export interface Scoring<J extends {readonly image: number}> {
  /** Names the measure in messages. */
  readonly where: string;
  readonly scorer: BatchScorer;
  /** One perturbed image each, of image number `image`. */
  readonly jobs: readonly J[];
  /** The class that is watched, per image. */
  readonly targets: readonly number[];
  readonly batchSize: number;
  /** Builds a batch; it is disposed after scoring. */
  readonly build: (jobs: readonly J[]) => Tensor4D;
  readonly signal: AbortSignal | undefined;
  /** Called after every batch with the number of finished jobs. */
  readonly report: (done: number) => void;
}

/** Returns the watched score of every job, in order. */
export async function scoreJobs<J extends {readonly image: number}>(scoring: Scoring<J>): Promise<number[]> {
  const {where, scorer, jobs, targets, batchSize, build, signal, report} = scoring;
  const {threads} = scorer;
  const scores: number[] = [];
  const score = async ({first, count}: Part): Promise<BatchScores & {part: readonly J[]}> => {
    const part = jobs.slice(first, first + count);
    return {part, ...(await scorer.scoreOnce(build(part)))};
  };
  for await (const {part, values, numClasses} of inOrder(partsOf(jobs.length, batchSize, threads), score, {threads, signal})) {
    part.forEach(({image}, index) => {
      const target = checkTarget(where, targets[image] as number, numClasses);
      scores.push(values[index * numClasses + target] as number);
    });
    report(scores.length);
  }
  return scores;
}

/** Returns the class if the model has it. */
export function checkTarget(where: string, target: number, numClasses: number): number {
  return checkInteger(`${where}: target`, target, 0, numClasses - 1);
}
