/** What the page makes: an explainer, its files, a report. Each is used again, as somebody would who took it home. */
import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {AttentiveDistiller, selectBackend} from 'attentive-distiller';
import {loadLayersModelFromFiles} from 'attentive-distiller/node';
import {unzipSync} from 'fflate';
import {generateShape, seeds} from '../../../quickstart/shapes.js';
import type {Visit} from './visit.js';

export async function distil(visit: Visit): Promise<string> {
  const {page} = visit;
  await page.fill('#steps', '16');
  await page.click('#distil');
  await visit.says('#distil-state', /Step \d+ of 16/);
  const words = await visit.says('#distil-state', /Distilled in 16 steps/);
  await visit.says('#explainer-now', /distilled here/);
  await visit.mapOf('ours');
  const colours = await page.$eval('#live-map', (canvas) => {
    const {width, height} = canvas as HTMLCanvasElement;
    const {data} = ((canvas as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(colours > 100, `the live map has ${colours} colours only`);
  assert.ok(await page.$('#losses .grown'), 'there is no curve of the loss');
  return words;
}

export async function stopDistilling(visit: Visit): Promise<void> {
  const {page} = visit;
  await page.fill('#steps', '480');
  await page.click('#distil');
  await visit.says('#distil-state', /Step [2-9]\d* of 480/);
  await page.click('#distil');
  const words = await visit.says('#distil-state', /Distilled in \d+ steps/);
  assert.ok(Number(/\d+/.exec(words)?.[0]) < 480, 'it was not stopped');
  await page.click('#ready-explainer');
  await visit.says('#explainer-now', /came with the page/);
  await visit.mapOf('ours');
}

/**
 * Saves the explainer, puts its files on a server as somebody would, and loads it from there.
 *
 * @returns The kilobytes of the zip.
 */
export async function saveExplainer(visit: Visit, {folder, address}: {readonly folder: string; readonly address: string}): Promise<number> {
  const [download] = await Promise.all([visit.page.waitForEvent('download'), visit.page.click('#save-explainer')]);
  assert.equal(download.suggestedFilename(), 'explainer.zip');
  const zip = readFileSync(await download.path());
  mkdirSync(join(folder, 'home'), {recursive: true});
  for (const [name, content] of Object.entries(unzipSync(zip))) writeFileSync(join(folder, 'home', name), content);
  await selectBackend({prefer: ['cpu']});
  const model = await loadLayersModelFromFiles(join(import.meta.dirname, '../../../quickstart/teacher'));
  const distiller = await AttentiveDistiller.load(`${address}home/explainer.json`, {teacher: model, preprocessing: 'tf'});
  const [map] = await distiller.explain([generateShape(seeds.test, 0).image]);
  assert.equal(map?.empty, false, 'the explainer that was saved draws nothing');
  distiller.dispose();
  model.dispose();
  return zip.length / 1000;
}

/** @returns The kilobytes of the report. */
export async function saveReport(visit: Visit): Promise<number> {
  const {page} = visit;
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-report')]);
  const html = readFileSync(await download.path(), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  const file = join(folder, 'report.html');
  writeFileSync(file, html);
  const report = await page.context().newPage();
  const foreign: string[] = [];
  report.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) foreign.push(request.url());
  });
  await report.goto(`file://${file}`);
  assert.match((await report.textContent('h1')) ?? '', /What Signs looks at/);
  for (const method of ['Distilled', 'Grad-CAM', 'RISE', 'LIME'])
    assert.match((await report.textContent('body')) ?? '', new RegExp(method));
  assert.ok((await report.$$('img')).length >= 5, 'the report lacks pictures');
  assert.deepEqual(foreign, [], 'the report loads something');
  await report.close();
  rmSync(folder, {recursive: true});
  return html.length / 1000;
}
