/** Examples that run to their end: what their output has to say. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {run} from './program.js';

/** The numbers of a line. @throws {AssertionError} If it is not there. */
function numbers(output: string, line: RegExp): number[] {
  const match = output.match(line);
  assert.ok(match, `${line} is missing in:\n${output}`);
  return match.slice(1).map(Number);
}

/** The maps of these methods lie on the square so many times as much as by chance. */
function onTheSquare(output: string, least: Readonly<Record<string, number>>): string {
  return Object.entries(least)
    .map(([name, limit]) => {
      const [ratio = NaN] = numbers(output, new RegExp(`^${name}: on the square ([\\d.]+) times`, 'm'));
      assert.ok(ratio >= limit, `${name} lies on the square ${ratio} times as much as by chance, not ${limit}`);
      return `${name} ${ratio}`;
    })
    .join(', ');
}

function hasPictures(folder: string): void {
  const png = readFileSync(join(folder, 'out/maps/sheet.png'));
  assert.equal(png.toString('latin1', 1, 4), 'PNG');
}

/** Distils a GraphModel. */
export async function graphModel(folder: string): Promise<string> {
  const output = await run(folder, 'start');
  assert.match(output, /quarter \[8, 8, 3\]/);
  hasPictures(folder);
  return `${onTheSquare(output, {'Grad-CAM': 4, distilled: 4})} times chance`;
}

/** Distils a model of ONNX. */
export async function onnx(folder: string): Promise<string> {
  const output = await run(folder, 'start');
  const [agreement = NaN] = numbers(output, /agrees with the model on (\d+) %/);
  assert.ok(agreement >= 90, `the student agrees on ${agreement} %`);
  hasPictures(folder);
  return `agreement ${agreement} %; ${onTheSquare(output, {distilled: 2, RISE: 2})} times chance`;
}

/** Distils a teacher without layers. */
export async function ownTeacher(folder: string): Promise<string> {
  return `${onTheSquare(await run(folder, 'start'), {distilled: 2, saliency: 4})} times chance`;
}

/** Measures explainers and one of its own. */
export async function benchmark(folder: string): Promise<string> {
  const output = await run(folder, 'start');
  const [table = '', differences = ''] = output.split('Each minus "middle"');
  const shown = Object.fromEntries(
    ['Grad-CAM', 'RISE', 'middle', 'random'].map((name) => [
      name,
      numbers(table, new RegExp(`^${name} .* ([\\d.]+) ± [\\d.]+ +[\\d.]+ ± [\\d.]+ *$`, 'm'))[0] ?? NaN,
    ]),
  ) as Record<string, number>;
  const {'Grad-CAM': cam = NaN, RISE = NaN, middle = NaN, random = NaN} = shown;
  assert.ok(cam < middle && RISE < middle && middle < random, `shown until sure: ${JSON.stringify(shown)}`);
  const [less = NaN, error = NaN] = numbers(differences, /^RISE +\d+ +\S+ ± \S+ +\S+ ± \S+ +(-[\d.]+) ± ([\d.]+)/m);
  assert.ok(-less > 3 * error, `RISE needs ${less} ± ${error} of the pixels more`);
  assert.ok(existsSync(join(folder, 'out/report.html')));
  return `shown until sure: ${Object.entries(shown)
    .map(([name, share]) => `${name} ${share}`)
    .join(', ')}`;
}
