/** A shard of a comparison. */
import type {ImageInput} from '../../core/types.js';
import {comparePart} from '../../metrics/compare/compare.js';
import {explainerOf} from './parts.js';
import type {ComparedRecord} from './records.js';
import type {ShardWork} from './shard-work.js';
import type {CompareTask} from './tasks.js';

/** Compares on the images of a shard, with the classes, limits and seeds that they have among all. */
export async function compareRecords(images: readonly ImageInput[], work: ShardWork<CompareTask>): Promise<ComparedRecord[]> {
  const {task, plan, shard, parts, workers, signal, onProgress} = work;
  const {methods, metrics, target, limits, commonImages, settings, warmUp, batchSize, seed} = task;
  const own = plan.images.slice(shard.first, shard.end);
  const regions = plan.images.some(({region}) => region !== undefined) ? own.map(({region}) => region) : undefined;
  const compared = await comparePart(
    {
      metrics,
      target,
      limits,
      commonImages,
      settings,
      warmUp,
      batchSize,
      seed,
      explainers: Object.fromEntries(methods.map((method) => [method, explainerOf(parts, method)])),
      images,
      model: parts.model,
      regions,
      workers,
      signal,
      onProgress,
    },
    {first: shard.first, count: plan.images.length},
  );
  return own.map(({source}, row) => {
    const index = shard.first + row;
    // Every explainer gets the first so many images, so those of a part are its first.
    const results = compared.flatMap(({method, perImage}) => {
      const image = perImage[row];
      return image === undefined ? [] : [{method, image}];
    });
    return {index, source, results};
  });
}
