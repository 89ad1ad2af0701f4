/** Threads that know the layers of thread-layers.ts. */
import {join} from 'node:path';
import {disposeWorkers} from '../../src/index.js';

const root = join(import.meta.dirname, '../..');

/** Runs work while threads that start meanwhile load the layers of this test; they are ended afterwards. */
export async function withOwnLayers(work: () => Promise<void>): Promise<void> {
  const before = process.env['NODE_OPTIONS'];
  await disposeWorkers();
  process.env['NODE_OPTIONS'] = `${before ?? ''} --require tsx/cjs --require ${join(root, 'test/helpers/thread-layers.ts')}`;
  try {
    await work();
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
    await disposeWorkers();
  }
}
