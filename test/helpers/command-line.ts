/** The program of the command line in a process of its own, as a user starts it, and pictures and models for it. */
import {spawn} from 'node:child_process';
import {mkdir, writeFile} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {vi} from 'vitest';
import {generateShape, seeds} from '../../quickstart/shapes.js';
import {runProgram} from '../../src/cli/program.js';
import {writePng} from '../../src/node/write-png.js';

const root = resolve(import.meta.dirname, '../..');

/** A small classifier of eight shapes, 64×64, preprocessing 'tf'. */
export const shapesModel: string = join(root, 'quickstart/teacher');

/** What a run of the program has left. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the program is run. */
export interface RunOptions {
  readonly cwd?: string | undefined;
  /** Gets a signal as soon as this is in what it prints. */
  readonly stop?: {readonly signal: NodeJS.Signals; readonly after: RegExp} | undefined;
}

/** Runs the program to its end. */
export function runCommand(args: readonly string[], {cwd = root, stop}: RunOptions = {}): Promise<Outcome> {
  const loader = join(root, 'node_modules/tsx/dist/esm/index.mjs');
  const child = spawn(process.execPath, ['--import', loader, join(root, 'src/cli/main.ts'), ...args], {cwd});
  let [stdout, stderr] = ['', ''];
  let isStopped = false;
  const look = (): void => {
    if (stop === undefined || isStopped || !stop.after.test(stdout + stderr)) return;
    isStopped = true;
    child.kill(stop.signal);
  };
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
    look();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
    look();
  });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (code) => done({code, stdout, stderr}));
  });
}

/** Runs the program in this process, which is much faster; `cwd` is then that of this process. */
export async function runHere(args: readonly string[], {cwd = root}: Pick<RunOptions, 'cwd'> = {}): Promise<Outcome> {
  const texts = {stdout: '', stderr: ''};
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const code = await runProgram(args);
    return {code, ...texts};
  } finally {
    process.chdir(before);
    for (const spy of spies) spy.mockRestore();
  }
}

/** Writes pictures of shapes, `a/0.png`, `b/1.png`, `a/2.png`, …; returns their paths. */
export async function writeShapes(folder: string, count: number): Promise<string[]> {
  const paths = Array.from({length: count}, (_, index) => join(folder, index % 2 === 0 ? 'a' : 'b', `${index}.png`));
  for (const [index, path] of paths.entries()) await writePng(path, generateShape(seeds.test, index).image);
  return paths;
}

/** Writes a file that only looks like a picture. */
export async function writeBroken(path: string): Promise<void> {
  await mkdir(join(path, '..'), {recursive: true});
  await writeFile(path, 'no picture');
}

/** Records, one a line. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
