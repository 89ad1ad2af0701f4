/**
 * The page with a camera, in Chromium, whose camera is a video of a square that jumps from left to right: the map has to follow
 * it. The square is green and the map's hot end red, so the picture alone cannot pass for a map.
 */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {chromium as playwright, type Browser, type Page} from 'playwright';
import {chromium} from '../../test/browser/chromium.js';
import {run, start} from './program.js';

const [WIDTH, HEIGHT, SIDE] = [320, 240, 80];
const PER_SECOND = 5;
/** Frames on each side. */
const STAY = 15;
const [TOP, LEFT, RIGHT] = [80, 40, 200];
const out = join(import.meta.dirname, '../../out');

/** Whether there is a browser. */
export const hasBrowser: boolean = existsSync(chromium.executablePath ?? '');

/** Looks at the page as Vite serves it while it is being written, and as it is built, then also with a model from its server. */
export async function webcam(folder: string): Promise<string> {
  const video = join(folder, 'camera.y4m');
  writeFileSync(video, cameraVideo());
  const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${video}`];
  const browser = await playwright.launch({...chromium, args: [...(chromium.args ?? []), ...flags]});
  try {
    await look(browser, folder, 'start', ['--no-open'], false);
    const {layersModel} = (await import(join(folder, '../sample/layers-model.js'))) as {layersModel(): Record<string, string | Uint8Array>};
    mkdirSync(join(folder, 'public/model'), {recursive: true});
    for (const [name, content] of Object.entries(layersModel())) writeFileSync(join(folder, 'public/model', name), content);
    await run(folder, 'build');
    return await look(browser, folder, 'preview', [], true);
  } finally {
    await browser.close();
  }
}

async function look(browser: Browser, folder: string, script: string, args: readonly string[], isToTheEnd: boolean): Promise<string> {
  const server = start(folder, script, {args: [...args, '--port', '0', '--host', '127.0.0.1'], env: {NO_COLOR: '1'}});
  const page = await browser.newPage({viewport: {width: 700, height: 760}});
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  try {
    const [address = ''] = await server.said(/http:\/\/127\.0\.0\.1:\d+\//);
    await page.goto(address);
    const first = performance.now();
    await page.waitForFunction(() => document.querySelector('#answer')?.textContent?.startsWith('green'), undefined, {timeout: 60_000});
    const wait = performance.now() - first;
    await follows(page, 'Grad-CAM');
    let note = '';
    if (isToTheEnd) {
      await page.waitForFunction(() => document.querySelector('#note')?.textContent?.startsWith('distilled'), undefined, {timeout: 90_000});
      await follows(page, 'the distilled map');
      note = (await page.textContent('#note')) ?? '';
      mkdirSync(out, {recursive: true});
      await page.screenshot({path: join(out, 'example-webcam.png')});
      await page.goto(`${address}?model=model/model.json`);
      await page.waitForFunction(() => document.querySelector('#answer')?.textContent?.startsWith('class 1'), undefined, {timeout: 60_000});
    }
    assert.deepEqual(complaints, [], 'the page complained');
    return `first map after ${(wait / 1000).toFixed(1)} s; ${note}`;
  } finally {
    await page.close();
    await server.stop();
  }
}

/** The map is seen on the left and not on the right, and the other way round. */
async function follows(page: Page, what: string): Promise<void> {
  const seen = new Set<string>();
  const until = performance.now() + 30_000;
  while (seen.size < 2) {
    assert.ok(performance.now() < until, `${what} lies ${[...seen].join() || 'nowhere'} only`);
    const [left, right] = await Promise.all([redness(page, LEFT), redness(page, RIGHT)]);
    if (left > 40 && right < 20) seen.add('left');
    if (right > 40 && left < 20) seen.add('right');
    await page.waitForTimeout(100);
  }
}

/** Mean of red less blue in the canvas, where the square is when it is on this side. */
function redness(page: Page, left: number): Promise<number> {
  return page.evaluate(
    ([x, y, side, width]) => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const scale = canvas.width / (width as number);
      const box = [x, y, side, side].map((each) => Math.round((each as number) * scale)) as [number, number, number, number];
      const {data} = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(...box);
      let sum = 0;
      for (let place = 0; place < data.length; place += 4) sum += (data[place] as number) - (data[place + 2] as number);
      return (sum * 4) / data.length;
    },
    [left, TOP, SIDE, WIDTH],
  );
}

/** A green square on grey in the raw form that Chromium reads, luma and colours at half the size. */
function cameraVideo(): Buffer {
  const plane = (scale: number, inside: number, outside: number, left: number): Buffer =>
    Buffer.from(
      Uint8Array.from({length: (WIDTH * HEIGHT) / scale ** 2}, (_, pixel) => {
        const [y, x] = [Math.floor(pixel / (WIDTH / scale)) * scale, (pixel % (WIDTH / scale)) * scale];
        return y >= TOP && y < TOP + SIDE && x >= left && x < left + SIDE ? inside : outside;
      }),
    );
  const frame = (left: number): Buffer =>
    Buffer.concat([Buffer.from('FRAME\n'), plane(1, 134, 128, left), plane(2, 75, 128, left), plane(2, 61, 128, left)]);
  const frames = [LEFT, RIGHT].flatMap((left) => Array.from({length: STAY}, () => frame(left)));
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${PER_SECOND}:1 Ip A1:1 C420jpeg\n`), ...frames]);
}
