/** A worker of the tests: takes shards until it is told to stop. */
import {startShardWorker} from 'attentive-distiller/queue';

const {AKD_CONNECTION = '', AKD_QUEUE, AKD_MODULE = ''} = process.env;
const worker = await startShardWorker({
  connection: AKD_CONNECTION,
  queue: AKD_QUEUE,
  module: AKD_MODULE,
  lockSeconds: 2,
  onShard: ({name, state}) => console.log(`${state} ${name}`),
  onError: ({message}) => console.log(`error ${message.split('\n', 1)[0]}`),
});
console.log('ready');
process.once('SIGTERM', () => void worker.close().then(() => process.exit(0)));
