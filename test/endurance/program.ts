/** Programs of the repository in processes of their own, which can be killed at any moment. */
import {spawn, type ChildProcess} from 'node:child_process';
import {mkdir, mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {build} from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '../..');

/** A program that can be started many times. */
export interface Program {
  /** Starts it; its lines are heard from the first. */
  start(args: readonly string[]): Running;
  remove(): Promise<void>;
}

/** A process under way. */
export interface Running {
  /** The lines that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that begins so; rejects if the process ends before. */
  said(beginning: string): Promise<string>;
  /** Kills it as a power failure would. */
  kill(): void;
  /** Resolves with the exit code, or `null` where it was killed. */
  readonly ended: Promise<number | null>;
}

/** Bundles a program of this folder, since a process then starts in half the time. */
export async function programOf(name: string): Promise<Program> {
  // Inside the repository, where its packages are found.
  await mkdir(join(REPOSITORY, 'out'), {recursive: true});
  const folder = await mkdtemp(join(REPOSITORY, 'out', 'program-'));
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  return {
    start: (args) => follow(spawn(process.execPath, [outfile, ...args], {cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'inherit']})),
    remove: () => rm(folder, {recursive: true}),
  };
}

function follow(child: ChildProcess): Running {
  const lines: string[] = [];
  const waiting: {beginning: string; resolve: (line: string) => void; reject: (error: Error) => void}[] = [];
  createInterface({input: child.stdout!}).on('line', (line) => {
    lines.push(line);
    for (const each of waiting) if (line.startsWith(each.beginning)) each.resolve(line);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      for (const each of waiting) each.reject(new Error(`The process ended with ${code} after ${JSON.stringify(lines)}.`));
      resolve(code);
    });
  });
  return {
    lines,
    ended,
    kill: () => void child.kill('SIGKILL'),
    said: (beginning) => {
      const already = lines.find((line) => line.startsWith(beginning));
      if (already !== undefined) return Promise.resolve(already);
      return new Promise((resolve, reject) => waiting.push({beginning, resolve, reject}));
    },
  };
}
