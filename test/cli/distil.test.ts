/** `distil`, as a user runs it; stopped and started again, it comes to the same explainer. */
import {existsSync} from 'node:fs';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {patience} from '../helpers/environment.js';
import {jsonLines, runCommand, runHere, shapesModel, writeBroken, writeShapes} from '../helpers/command-line.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distil-'));
  await writeShapes(join(folder, 'photos'), 8);
  await writeBroken(join(folder, 'photos/a/broken.png'));
});
afterAll(() => rm(folder, {recursive: true}));

const common = [
  'distil',
  'photos',
  '--model',
  shapesModel,
  '--preprocessing',
  'tf',
  '--batch-size',
  '4',
  '--seed',
  '3',
  '--backend',
  'wasm',
];
const modelJson = (name: string): Promise<string> => readFile(join(folder, name, 'model.json'), 'utf8');

describe('attentive-distiller distil', {timeout: patience}, () => {
  it('trains, is stopped by Ctrl-C with 130, goes on by itself, and ends with the very explainer of an undisturbed run', async () => {
    const command = (out: string): string[] => [...common, '--steps', '40', '--out', out];
    const stopped = await runCommand(command('parts'), {cwd: folder, stop: {signal: 'SIGINT', after: /explanation: \d+\/40/}});
    expect(stopped.code).toBe(130);
    const [, step] = /Stopped after step (\d+)\. The same command goes on/.exec(stopped.stderr) ?? [];
    expect(Number(step)).toBeGreaterThan(0);
    expect(Number(step)).toBeLessThan(40);
    expect(existsSync(join(folder, 'parts/training/run.json'))).toBe(true);
    // What is learned already can be used, and says that it is not finished.
    const meanwhile = await runCommand(['explain', 'photos/a/0.png', '-e', 'parts', '-o', 'meanwhile', '--backend', 'wasm', '--json'], {
      cwd: folder,
    });
    expect(meanwhile.code).toBe(0);
    expect(meanwhile.stderr).toMatch(/The training of parts was stopped before its end/);
    expect(jsonLines(meanwhile.stdout)[0]).toMatchObject({file: 'photos/a/0.png', method: 'ours', map: '0.png'});

    const other = await runCommand([...command('parts'), '--seed', '4'], {cwd: folder});
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/holds the results of another run \(seed 3, now 4\)/);

    const rest = await runCommand([...command('parts'), '--json'], {cwd: folder});
    expect(rest.stderr).toContain(`Goes on after step ${step}.`);
    expect(rest.stderr).toMatch(/Left out, since it cannot be read \(1\):\n {2}photos\/a\/broken\.png/);
    expect(rest.code).toBe(4);
    expect(jsonLines(rest.stdout)).toMatchObject([{explainer: 'parts', steps: 40, photos: 8}]);
    expect(existsSync(join(folder, 'parts/training'))).toBe(false);

    const whole = await runCommand(command('whole'), {cwd: folder});
    expect(whole.code).toBe(4);
    expect(whole.stdout).toMatch(/40 steps in .* minutes\. The explainer is in whole\./);
    // The checksums of all weights are in there.
    expect(await modelJson('parts')).toBe(await modelJson('whole'));

    const again = await runCommand(command('whole'), {cwd: folder});
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/whole holds an explainer that is finished.*--force/);
  });

  it('asks for what it needs', async () => {
    const without = await runHere(['distil', 'photos', '--model', shapesModel], {cwd: folder});
    expect(without.code).toBe(2);
    expect(without.stderr).toMatch(/required option '-o, --out <folder>' not specified/);
    const minutes = await runHere([...common, '--out', 'x', '--minutes', '0'], {cwd: folder});
    expect(minutes.code).toBe(2);
    expect(minutes.stderr).toMatch(/--minutes <n>' argument '0' is invalid\. It must be a finite number above 0/);
  });
});
