/** The queue on Redis: workers share the shards, the merge has every picture, and a second run finds everything done. */
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {servers, startServer} from '../../test/queue/server.js';
import {run} from './program.js';

/** Whether there is a server to try. */
export const hasServer: boolean = servers.length > 0;

/** Runs the example on a server of its own. */
export async function redisQueue(folder: string): Promise<string> {
  const [[name, program] = ['', '']] = servers;
  const data = mkdtempSync(join(tmpdir(), 'redis-'));
  const server = await startServer(program, data);
  try {
    const env = {REDIS_URL: server.connection};
    const first = await run(folder, 'start', env);
    const done = [...first.matchAll(/^worker (\d+): done (\S+)$/gm)];
    assert.equal(new Set(done.map(([, , shard]) => shard)).size, 4, first);
    assert.equal(new Set(done.map(([, worker]) => worker)).size, 2, `both workers take a part:\n${first}`);
    const insertion = ['RISE', 'Grad-CAM', 'random'].map((method) =>
      Number(first.match(new RegExp(`^${method} +128 +\\d+ +([\\d.]+)`, 'm'))?.[1]),
    );
    const [rise = NaN, cam = NaN, random = NaN] = insertion;
    assert.ok(rise > random && cam > random, first);
    const second = await run(folder, 'start', env);
    assert.match(second, /0 put into the queue, 4 done before/);
    assert.equal(tableOf(second), tableOf(first));
    return `4 shards by 2 workers on ${name}; insertion: RISE ${rise}, Grad-CAM ${cam}, random ${random}`;
  } finally {
    await server.stop();
    rmSync(data, {recursive: true});
  }
}

function tableOf(output: string): string {
  return output.slice(output.indexOf('method'));
}
