/** Networks and pictures of the visitor's: those that work, and those that are broken, after which the page goes on. */
import assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {layers, sequential} from '@tensorflow/tfjs-layers';
import {onnxOfLayers} from '../../onnx/onnx-of-layers.js';
import type {Visit} from './visit.js';

const teacher = join(import.meta.dirname, '../../../quickstart/teacher');
const samples = join(import.meta.dirname, '../../../docs/demo/public/samples');

/** A picture that is none: says so by name, keeps what was there, and takes the next one. */
export async function breakPicture(visit: Visit): Promise<void> {
  const {page} = visit;
  const before = await page.textContent('#caption');
  const broken = {name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('this is no picture')};
  await page.setInputFiles('#photo', broken);
  await visit.says('#complaints', /broken\.png cannot be shown.*picture that this browser decodes/);
  assert.equal(await page.textContent('#caption'), before, 'what was there is gone');
  await page.check('#samples input[value="3"]', {force: true});
  await visit.says('#news', /frame|star/);
  await visit.mapOf('ours');
  assert.equal(await page.textContent('#complaints'), '', 'the complaint stays after something worked');
}

/** A photo by each of the ways that there are besides the button. */
export async function bringPicture(visit: Visit): Promise<void> {
  const content = readFileSync(join(samples, '7.png'));
  await visit.drop([{name: 'dropped.png', type: 'image/png', content}]);
  await visit.says('#news', /in dropped\.png/);
  await visit.paste([{name: 'pasted.png', type: 'image/png', content}]);
  await visit.says('#news', /in pasted\.png/);
  await visit.mapOf('ours');
}

/** Networks that are none, dropped: tfjs without weights, tfjs with a damaged file, ONNX of noise. */
export async function breakNetworks(visit: Visit): Promise<void> {
  const {page} = visit;
  const model = readFileSync(join(teacher, 'model.json'));
  const cases = [
    [{name: 'model.json', type: 'application/json', content: Buffer.from('{"hello": 1}')}],
    [
      {name: 'model.json', type: 'application/json', content: model},
      {name: 'weights.bin', type: '', content: Buffer.from('too short')},
    ],
    [{name: 'noise.onnx', type: '', content: Buffer.from('not a network')}],
  ];
  for (const files of cases) {
    await visit.drop(files);
    await visit.says(
      '#complaints',
      new RegExp(`${files[0]?.name.replace('.', '\\.')}.* is no network that can be explained here; Signs stays`),
    );
    await page.click('#run-grad-cam');
    await visit.mapOf('grad-cam');
    await page.click('#complaints button');
  }
}

/** The same files as a network of one's own: no explainer yet, Grad-CAM at once. */
export async function takeFiles(visit: Visit): Promise<void> {
  const {page} = visit;
  await page.setInputFiles('#network-files', [join(teacher, 'model.json'), join(teacher, 'weights.bin')]);
  await visit.says('#network-name', /^shapes_teacher$/);
  await visit.mapOf('ours', 'refused');
  await visit.mapOf('grad-cam');
  await visit.says('#classes', /class \d/);
  assert.ok(await page.isDisabled('#distil'), 'it would learn from pictures of another network');
}

export async function takeAddress(visit: Visit): Promise<void> {
  const {page} = visit;
  for (const name of ['model.json', 'weights.bin'])
    await page.route(`**/elsewhere/${name}`, (route) => route.fulfill({path: join(teacher, name)}));
  await page.click('summary:has-text("another network")');
  await page.fill('#address', new URL('elsewhere/model.json', page.url()).href);
  await page.click('#network-address button');
  await visit.says('#network-name', /elsewhere\/model\.json/);
  await visit.mapOf('grad-cam');
}

/** An ONNX file: scores alone, so Grad-CAM is refused and RISE draws. */
export async function takeOnnx(visit: Visit): Promise<void> {
  const {page} = visit;
  const network = sequential({
    layers: [
      layers.conv2d({inputShape: [32, 32, 3], filters: 4, kernelSize: 3, activation: 'relu'}),
      layers.globalAveragePooling2d({}),
      layers.dense({units: 3, activation: 'softmax'}),
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
  const file = join(folder, 'small.onnx');
  writeFileSync(file, await onnxOfLayers(network));
  network.dispose();
  await page.setInputFiles('#network-files', file);
  await visit.says('#network-name', /small\.onnx/);
  await visit.says('#network-about', /black box, 32 × 32, 3 classes/);
  await visit.mapOf('grad-cam', 'refused');
  await page.click('#run-rise');
  await visit.mapOf('rise');
  rmSync(folder, {recursive: true});
  await page.click('#use-sample');
  await visit.says('#network-name', /Signs/);
  await visit.mapOf('ours');
}
