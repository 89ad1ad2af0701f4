/**
 * The first minutes of a user: the two lines at the head of docs/command-line.md, as they stand there, in an empty folder. The model
 * and the photos are those of the quickstart.
 */
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import sharp from 'sharp';
import {generateShape} from '../../quickstart/shapes.js';
import {manifest, root} from '../shipping/entries.js';

const execute = promisify(execFile);
const PHOTOS = 3;

/** Types the lines. @returns How long it took until the overlays were there. */
export async function firstMinutes(folder: string, archive: string): Promise<string> {
  const page = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
  const [install = '', explain = ''] = [...page.matchAll(/^ {4}(np[mx] .*)$/gm)].map(([, line]) => line);
  mkdirSync(join(folder, 'photos'), {recursive: true});
  for (let index = 0; index < PHOTOS; index++) {
    const {data, width, height} = generateShape(7, index).image;
    const jpeg = await sharp(data, {raw: {width, height, channels: 3}})
      .jpeg()
      .toBuffer();
    writeFileSync(join(folder, 'photos', `${index}.jpg`), jpeg);
  }
  cpSync(join(root, 'quickstart/teacher'), join(folder, 'my-model'), {recursive: true});
  const type = (line: string): Promise<{stdout: string}> => execute('sh', ['-c', line], {cwd: folder});
  const began = performance.now();
  // The archive in the place of what will be published.
  await type(install.replace(` ${manifest.name} `, ` ${archive} `));
  const installed = performance.now();
  const {stdout} = await type(explain);
  const done = performance.now();
  assert.match(stdout, new RegExp(`photos/${PHOTOS - 1}\\.jpg +class \\d`));
  assert.deepEqual(
    readdirSync(join(folder, 'maps')).filter((name) => name.endsWith('.png')),
    Array.from({length: PHOTOS}, (_, index) => `${index}.png`),
  );
  const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`;
  return `from install to overlays ${seconds(began, done)}: install ${seconds(began, installed)}, explain ${seconds(installed, done)}`;
}
