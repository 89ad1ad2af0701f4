/** Changed images of several images at once: jobs of all images share batches, and every batch but the last is full. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {columnOf, type ResolvedTarget} from '../models/targets.js';
import {query, type Queries} from './query.js';

/** What is scored, and which number is watched. */
export interface JobQueries<J extends {readonly image: number}> extends Pick<Queries, 'where' | 'scorer' | 'batchSize' | 'signal'> {
  /** One changed image each, of image number `image`. */
  readonly jobs: readonly J[];
  /** What is watched, per image. */
  readonly targets: readonly Pick<ResolvedTarget, 'target'>[];
  /** Builds a batch; it is freed after scoring. */
  readonly build: (jobs: readonly J[], signal: AbortSignal | undefined) => Tensor4D | Promise<Tensor4D>;
  /** Called after every batch with the number of finished jobs. */
  readonly report: (done: number) => void;
}

/** Returns the watched score of every job, in order. */
export async function queryJobs<J extends {readonly image: number}>({
  jobs,
  targets,
  build,
  report,
  ...asked
}: JobQueries<J>): Promise<number[]> {
  const scores: number[] = [];
  const part = (first: number, count: number): readonly J[] => jobs.slice(first, first + count);
  for await (const {first, count, values, numClasses} of query({
    ...asked,
    total: jobs.length,
    build: (from, some) => build(part(from, some), asked.signal),
  })) {
    part(first, count).forEach(({image}, index) => {
      const column = columnOf(targets[image] as ResolvedTarget);
      if (column >= numClasses)
        throw new RangeError(`${asked.where}: target must be a whole number from 0 to ${numClasses - 1}, but is ${column}.`);
      scores.push(values[index * numClasses + column] as number);
    });
    report(scores.length);
  }
  return scores;
}
