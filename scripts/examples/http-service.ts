/** The service: it explains rightly, refuses what it should, has a limit, and stops working for callers that leave. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import sharp from 'sharp';
import type {DecodedImage} from '../../src/core/types.js';
import {energyInside} from '../../src/metrics/of-map/energy-inside.js';
import {start} from './program.js';

interface Status {
  readonly running: number;
  readonly waiting: number;
  readonly explained: number;
  readonly left: number;
}

/** `sample/squares.js`. */
interface Squares {
  squareOn(index: number): DecodedImage;
  regionOf(index: number): Uint8Array;
}

// Minutes of work, unless it is stopped.
const LONG = '/explain?method=rise&masks=100000';

/** Starts the service and is its callers. */
export async function httpService(folder: string): Promise<string> {
  const service = start(folder, 'start', {env: {PORT: '0'}});
  try {
    const [, address = ''] = await service.said(/(http:\/\/localhost:\d+)\/explain/);
    const {squareOn, regionOf} = (await import(join(folder, '../sample/squares.js'))) as Squares;
    const picture = await png(squareOn(4));
    const post = (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`${address}${path}`, {method: 'POST', body: picture, ...init});
    const status = async (): Promise<Status> => (await (await fetch(`${address}/status`)).json()) as Status;
    const until = async (holds: (now: Status) => boolean): Promise<number> => {
      const began = performance.now();
      for (;;) {
        const now = await status();
        if (holds(now)) return performance.now() - began;
        assert.ok(performance.now() - began < 10_000, `the service stays at ${JSON.stringify(now)}`);
        await pause(10);
      }
    };

    const ratios = [];
    for (const method of ['grad-cam', 'rise']) {
      const answer = await post(`/explain?method=${method}&masks=1000`, {headers: {Accept: 'application/json'}});
      const map = (await answer.json()) as {label: string; height: number; width: number; data: number[]};
      assert.equal(map.label, 'green');
      ratios.push(energyInside({...map, data: Float32Array.from(map.data)}, regionOf(4)).ratio);
    }
    assert.ok((ratios[0] ?? 0) > 4, `Grad-CAM lies on the square ${ratios[0]} times as much as by chance`);
    const overlay = await post('/explain');
    assert.equal(overlay.headers.get('content-type'), 'image/png');
    assert.equal((await sharp(await overlay.arrayBuffer()).metadata()).width, 32);

    for (const [path, init, expected] of [
      ['/', {}, 404],
      ['/explain?method=guess', {}, 400],
      ['/explain?target=3', {}, 400],
      ['/explain', {body: 'no picture'}, 400],
      ['/explain', {body: new Uint8Array(11e6)}, 413],
    ] as const)
      assert.equal((await post(path, init)).status, expected, `${path} ${Object.keys(init).join()}`);

    // Two are worked on, four wait, the seventh is sent away at once.
    const callers = Array.from({length: 6}, () => new AbortController());
    const calls = callers.map(({signal}) => post(LONG, {signal}).catch((error: Error) => error.name));
    await until(({running, waiting}) => running === 2 && waiting === 4);
    const busy = await post(LONG);
    assert.deepEqual([busy.status, busy.headers.get('retry-after')], [503, '5']);

    // One that waits leaves, then all of them; the next caller is served.
    callers[5]?.abort();
    await until(({running, waiting}) => running === 2 && waiting === 3);
    for (const caller of callers) caller.abort();
    const freed = await until(({running, waiting}) => running === 0 && waiting === 0);
    assert.deepEqual(
      await Promise.all(calls),
      calls.map(() => 'AbortError'),
    );
    assert.equal((await status()).left, 6);
    assert.ok(freed < 3000, `the workers are free ${freed.toFixed(0)} ms after the callers have left`);
    const next = await post('/explain?method=rise&masks=200', {headers: {Accept: 'application/json'}});
    assert.equal(next.status, 200);
    assert.doesNotMatch(service.output(), /Error/);
    await service.stop();
    await assert.rejects(
      until(() => false),
      /fetch failed/,
      'the service has not ended',
    );
    return `Grad-CAM ${ratios[0]?.toFixed(1)} times chance; six callers left, free after ${freed.toFixed(0)} ms`;
  } finally {
    await service.stop();
  }
}

async function png({data, width, height, channels = 3}: DecodedImage): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await sharp(data, {raw: {width, height, channels}}).png().toBuffer());
}
