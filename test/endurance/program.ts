/** Programs of the repository in processes of their own, which can be killed at any moment. */
import {spawn, type ChildProcess} from 'node:child_process';
import {mkdir, mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {build} from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '../..');

/** A program that can be started many times. */
export interface Program {
  /** The bundled file. */
  readonly file: string;
  /** Starts it; its lines are heard from the first. */
  start(args: readonly string[], environment?: NodeJS.ProcessEnv): Running;
  remove(): Promise<void>;
}

/** A process under way. */
export interface Running {
  /** The lines that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that begins so; rejects if the process ends before. */
  said(beginning: string): Promise<string>;
  /** Resolves with the next line that begins so, whatever was said before. */
  next(beginning: string): Promise<string>;
  /** Kills it as a power failure would. */
  kill(): void;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or `null` where it was killed. */
  readonly ended: Promise<number | null>;
}

/** Bundles a program of a folder, this one if none is named, since a process then starts in half the time. */
export async function programOf(name: string, from: string = import.meta.dirname): Promise<Program> {
  // Inside the repository, where its packages are found.
  await mkdir(join(REPOSITORY, 'out'), {recursive: true});
  const folder = await mkdtemp(join(REPOSITORY, 'out', 'program-'));
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(from, `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  return {
    file: outfile,
    start: (args, env = process.env) =>
      follow(spawn(process.execPath, [outfile, ...args], {cwd: REPOSITORY, env, stdio: ['ignore', 'pipe', 'inherit']})),
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
  const next = (beginning: string): Promise<string> => new Promise((resolve, reject) => waiting.push({beginning, resolve, reject}));
  return {
    lines,
    ended,
    next,
    kill: () => void child.kill('SIGKILL'),
    signal: (name) => void child.kill(name),
    said: (beginning) => {
      const already = lines.find((line) => line.startsWith(beginning));
      return already === undefined ? next(beginning) : Promise.resolve(already);
    },
  };
}
