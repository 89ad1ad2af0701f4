/** A shard of maps. */
import {at} from '../../core/at.js';
import {Random} from '../../core/random.js';
import type {ImageInput, Target} from '../../core/types.js';
import {targetOf} from '../../metrics/of-explainer/explain-one.js';
import {explainerOf} from './parts.js';
import type {ExplainedRecord} from './records.js';
import type {ShardWork} from './shard-work.js';
import type {ExplainTask} from './tasks.js';

/** Explains the images of a shard one by one, so that a map does not depend on the images around. */
export async function explainRecords(images: readonly ImageInput[], work: ShardWork<ExplainTask>): Promise<ExplainedRecord[]> {
  const {task, plan, shard, parts, signal, onProgress} = work;
  const {method, target, batchSize, seed} = task;
  const explainer = explainerOf(parts, method);
  const random = new Random(seed ?? 0).split('explain');
  const records: ExplainedRecord[] = [];
  for (const [row, image] of images.entries()) {
    signal?.throwIfAborted();
    const index = shard.first + row;
    const own = random.split(index).seed;
    const maps = await explainer.explain(image, {target: targetOf(target, index) as Target, seed: own, batchSize, signal});
    records.push({index, source: at(plan.images, index).source, seed: own, maps});
    onProgress?.({stage: 'explain', done: row + 1, total: images.length});
  }
  return records;
}
