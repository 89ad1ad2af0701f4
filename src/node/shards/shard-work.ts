/** What each kind of task is given to do a shard. */
import type {RunOptions} from '../../core/types.js';
import type {ShardParts} from './parts.js';
import type {PlannedShard, ShardPlan} from './plan.js';
import type {ShardTask} from './tasks.js';

/** What a task needs to do a shard. */
export interface ShardWork<Task extends ShardTask> extends Pick<RunOptions, 'signal' | 'onProgress'> {
  readonly task: Task;
  readonly plan: ShardPlan;
  readonly shard: PlannedShard;
  readonly parts: ShardParts;
  readonly workers: number;
}
