/**
 * Uses the built package in a browser as its users do: bundles a page with it, serves the page, and lets
 * a real Chromium distil, explain and download, on each backend. What the page draws is kept as
 * out/bundle-BACKEND.png. Run after `npm run build`: `npm run check:bundle [-- --epochs N]`.
 */
import assert from 'node:assert/strict';
import {mkdirSync, readFileSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {build} from 'esbuild';
import {chromium as playwright, type Page} from 'playwright';
import sirv from 'sirv';
import {chromium, isolation} from '../test/browser/chromium.js';
import type {ButtonResult} from './browser-page/button.js';
import type {PageResult, PageTask} from './browser-page/page.js';

const CLICKS = 20;
const root = join(import.meta.dirname, '..');
const out = join(root, 'out');
const {values} = parseArgs({options: {epochs: {type: 'string', default: '3'}}});
// WebGL runs on SwiftShader here: one step of each stage takes a while.
const tasks: readonly PageTask[] = [
  {backend: 'wasm', epochs: Number(values.epochs), pictures: 64},
  {backend: 'webgl', epochs: 1, pictures: 8},
];

const wasm = join(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');
const served = [join(out, 'page'), join(root, 'quickstart'), wasm];

const {metafile} = await build({
  entryPoints: {page: join(root, 'scripts/browser-page/page.ts'), button: join(root, 'scripts/browser-page/button.ts')},
  bundle: true,
  minify: true,
  splitting: true,
  metafile: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  outdir: join(out, 'page'),
});
const inputs = Object.keys(metafile.inputs);
assert.ok(
  inputs.some((path) => path.startsWith('dist/esm/')),
  'the page was not made of the built package',
);
for (const each of inputs)
  assert.ok(!/^(node:|dist\/esm\/node\/)|node_modules\/(sharp|piscina|webgpu)\//.test(each), `${each} does not belong into a page`);

const server = serve();
const browser = await playwright.launch(chromium);
try {
  for (const task of tasks) {
    const {backend} = task;
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    const downloads = downloaded(page, 2);
    const result: PageResult = await page.evaluate((each) => globalThis.runPage(each), task);
    assert.deepEqual((await downloads).sort(), ['explainer.json', 'explainer.weights.bin']);
    assert.equal(result.backend, backend);
    // One step of training draws something; what that is worth is another matter.
    const isTrained = task.pictures >= 64;
    assert.ok(result.ratio > 1 || !isTrained, `the maps lie on the signs ${result.ratio.toFixed(2)} times as much as chance would have it`);
    assert.ok(result.insertion > (isTrained ? 0.3 : 0) && result.insertion <= 1, `insertion is ${result.insertion}`);
    assert.deepEqual(complaints, [], 'the page complained');
    await page.screenshot({path: join(out, `bundle-${backend}.png`), fullPage: true});
    await page.close();
    console.log(
      `${backend}: distilled, explained and downloaded in ${result.seconds.toFixed(1)} s; ${result.ratio.toFixed(1)} times chance, insertion ${result.insertion.toFixed(3)}.`,
    );
  }
  await clickWhileTraining();
} finally {
  await browser.close();
  server.close();
}

/** A user clicks while a page trains: each click counts at once, and the other button stops the training within a step. */
async function clickWhileTraining(): Promise<void> {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/button`);
  const training: Promise<ButtonResult> = page.evaluate(() => globalThis.trainUntilStopped());
  await page.waitForFunction(() => document.title.startsWith('step'), undefined, {timeout: 120_000});
  for (let click = 1; click <= CLICKS; click++) {
    await page.click('#count');
    await page.waitForFunction((text) => document.querySelector('#count')?.textContent === text, `count ${click}`, {timeout: 30_000});
  }
  await page.click('#stop');
  const {clicks, steps, isStopped, stoppedAfter, longestStep, tensorsLeft} = await training;
  assert.deepEqual({clicks, isStopped, tensorsLeft}, {clicks: CLICKS, isStopped: true, tensorsLeft: 0});
  assert.ok(steps >= CLICKS / 10, `only ${steps} steps were taken meanwhile`);
  await page.close();
  console.log(
    `wasm: ${clicks} clicks counted during ${steps} steps, each up to ${longestStep.toFixed(0)} ms; stopped ${stoppedAfter.toFixed(0)} ms after the click, no tensor left.`,
  );
}

function serve(): Server {
  mkdirSync(out, {recursive: true});
  const files = served.map((folder) => sirv(folder, {dev: true}));
  return createServer((request, response) => {
    for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value);
    if (request.url === '/' || request.url === '/button') {
      response
        .setHeader('Content-Type', 'text/html')
        .end(
          `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body style="width: 520px"><script type="module" src="/${request.url === '/' ? 'page' : 'button'}.js"></script>`,
        );
      return;
    }
    const lookIn = (index: number): void => {
      const give = files[index];
      if (give === undefined) response.writeHead(404).end();
      else give(request, response, () => lookIn(index + 1));
    };
    lookIn(0);
  }).listen(0, '127.0.0.1');
}

/** The names of the next files that the page downloads, none of them empty. */
async function downloaded(page: Page, count: number): Promise<string[]> {
  const names: string[] = [];
  await new Promise<void>((resolve, reject) => {
    page.on('download', (download) => {
      void download
        .path()
        .then((path) => {
          assert.ok(readFileSync(path).length > 0, `${download.suggestedFilename()} is empty`);
          if (names.push(download.suggestedFilename()) === count) resolve();
        })
        .catch(reject);
    });
  });
  return names;
}
