/**
 * A worker: takes shards from the queue until it is told to stop. Start as many as there are cores, on any machine.
 *
 *     npm run worker
 */
import {startShardWorker} from 'attentive-distiller/queue';

const worker = await startShardWorker({
  connection: process.env.REDIS_URL ?? 'redis://localhost:6379',
  module: new URL('shards.js', import.meta.url),
  onShard: ({name, state, error}) => console.log(`worker ${process.pid}: ${state} ${name}${error ? `: ${error.message}` : ''}`),
  onError: ({message}) => console.error(message),
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => void worker.close());
