export type {QueueAddress} from './connect.js';
export {
  openShardQueue,
  type Enqueued,
  type EnqueueOptions,
  type QueueProgress,
  type ShardQueue,
  type ShardQueueOptions,
  type WaitOptions,
} from './shard-queue.js';
export type {OpenedParts, ShardModule} from './shard-thread.js';
export {startShardWorker, type ShardEvent, type ShardWorker, type ShardWorkerOptions} from './shard-worker.js';
