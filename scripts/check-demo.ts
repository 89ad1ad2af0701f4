/**
 * Builds the live page against the packed package, serves it, and walks through it in a real Chromium as a visitor does, on
 * WebAssembly, and as far as that goes in software on WebGL and WebGPU. Screenshots: out/demo-*.png. Run after `npm run build`:
 * `npm run check:demo [-- --backends wasm,webgl]`.
 */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {chromium as playwright} from 'playwright';
import {chromium} from '../test/browser/chromium.js';
import {buildDemo} from './demo/build-demo.js';
import * as explaining from './demo/check/explaining.js';
import * as making from './demo/check/making.js';
import * as networks from './demo/check/networks.js';
import * as reaching from './demo/check/reaching.js';
import {Visit} from './demo/check/visit.js';
import {serveDemo} from './demo/serve.js';

/** From the load of the page to its first map on WebAssembly, the best of some visits: the machine may be busy with other things for a while. */
const FIRST_MAP_MS = 3000;
const FIRST_VISITS = {least: 3, most: 10};

const {values} = parseArgs({options: {backends: {type: 'string', default: 'wasm,webgl,webgpu'}}});
const asked = values.backends.split(',');
const out = join(import.meta.dirname, '../out');
const started = performance.now();
const say = (text: string): void => console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);

buildDemo(join(out, 'demo'));
say('The page is built against the packed package.');
const server = await serveDemo(join(out, 'demo'), 0);
const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const browser = await playwright.launch({...chromium, args: [...(chromium.args ?? []), ...camera]});
const onBackend = (backend: string): string => `${server.address}?backend=${backend}`;
try {
  if (asked.includes('wasm')) {
    await firstMaps();
    await choose();
    await look();
    await make();
    await bring();
    await reach();
    await useKeys();
  }
  for (const backend of asked) if (backend !== 'wasm') await onGPU(backend);
} finally {
  await browser.close();
  server.close();
}
say('The page does all that it should.');

async function firstMaps(): Promise<void> {
  const times: number[] = [];
  const isLate = (): boolean => !(Math.min(...times) < FIRST_MAP_MS);
  while (times.length < FIRST_VISITS.least || (isLate() && times.length < FIRST_VISITS.most)) {
    const one = await Visit.begin(browser, onBackend('wasm'));
    times.push(await one.page.evaluate(() => performance.getEntriesByName('first map')[0]?.startTime ?? NaN));
    await one.end();
  }
  assert.ok(!isLate(), `the first map is there after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  say(`First map on wasm ${times.map((ms) => (ms / 1000).toFixed(2)).join(', ')} s after the load.`);
}

/** Left to itself, the page passes over GPUs in software, and says so. */
async function choose(): Promise<void> {
  const visit = await Visit.begin(browser, server.address);
  await visit.says('#backend-now', /WebAssembly/);
  const why = await visit.says('#backend-why', /Not WebGL: /);
  say(`Chosen by itself: WebAssembly. ${why}`);
  await visit.end();
}

async function look(): Promise<void> {
  const visit = await Visit.begin(browser, onBackend('wasm'));
  await explaining.askOtherClass(visit);
  say('Another class, and one rather than another.');
  say(`RISE cancelled ${(await explaining.cancelRise(visit)).toFixed(0)} ms after the click.`);
  await explaining.runLime(visit);
  await explaining.moveSlider(visit);
  await explaining.refine(visit);
  say('LIME, slider and dial.');
  say(await explaining.measureSpeed(visit));
  say(await explaining.useCamera(visit));
  await reaching.askAxe(visit, 'with everything run');
  await visit.page.screenshot({path: join(out, 'demo-wasm.png'), fullPage: true});
  await explaining.changeBackend(visit, 'cpu', /plain JavaScript/);
  await explaining.changeBackend(visit, 'wasm', /WebAssembly/);
  say('Other backend and back.');
  await visit.end();
}

async function make(): Promise<void> {
  const visit = await Visit.begin(browser, onBackend('wasm'));
  say(await making.distil(visit));
  say(`explainer.zip: ${(await making.saveExplainer(visit, {folder: join(out, 'demo'), address: server.address})).toFixed(0)} kB.`);
  await reaching.askAxe(visit, 'after distilling');
  await visit.page.screenshot({path: join(out, 'demo-distilled.png'), fullPage: true});
  await making.stopDistilling(visit);
  say('A training stopped, and back to the explainer of the page.');
  say(`report.html: ${(await making.saveReport(visit)).toFixed(0)} kB.`);
  await visit.end();
}

async function bring(): Promise<void> {
  const visit = await Visit.begin(browser, onBackend('wasm'));
  await networks.bringPicture(visit);
  await networks.breakPicture(visit);
  await networks.breakNetworks(visit);
  say('Broken picture and networks: said, and the page goes on.');
  await networks.takeFiles(visit);
  await networks.takeAddress(visit);
  await networks.takeOnnx(visit);
  say('Networks of files, of an address, of ONNX.');
  await visit.end();
}

async function reach(): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      const visit = await Visit.begin(browser, onBackend('wasm'), {colorScheme, viewport: {width, height: 800}});
      await visit.page.waitForSelector('#share:enabled');
      await reaching.fitsInto(visit, width);
      const passes = await reaching.askAxe(visit, `${colorScheme}, ${width} pixels wide`);
      await visit.page.screenshot({path: join(out, `demo-${colorScheme}-${width}.png`), fullPage: true});
      await visit.page.setInputFiles('#photo', {
        name: 'a-long-name-without-any-spaces-in-it.png',
        mimeType: 'image/png',
        buffer: Buffer.from('no'),
      });
      await visit.says('#complaints', /cannot be shown/);
      await visit.page.click('summary:has-text("another network")');
      await reaching.fitsInto(visit, width);
      await reaching.askAxe(visit, `${colorScheme}, ${width} pixels wide, with a complaint`);
      await visit.page.click('#complaints button');
      say(`${colorScheme}, ${width} pixels: fits, and axe finds nothing (${passes} rules pass).`);
      await visit.end();
    }
  }
}

async function useKeys(): Promise<void> {
  const visit = await Visit.begin(browser, onBackend('wasm'));
  await visit.page.waitForSelector('#share:enabled');
  say(`The tab key leads to ${await reaching.tabThrough(visit)} places.`);
  await reaching.useKeys(visit);
  say('Used with keys alone.');
  await visit.end();
}

async function onGPU(backend: string): Promise<void> {
  const visit = await Visit.begin(browser, onBackend(backend));
  await visit.says('#backend-now', new RegExp(backend, 'i'));
  await explaining.askOtherClass(visit);
  await explaining.moveSlider(visit);
  await visit.page.screenshot({path: join(out, `demo-${backend}.png`), fullPage: true});
  say(`${backend}: explained, another class, slider. ${await visit.page.textContent('#backend-now')}`);
  await visit.end();
}
