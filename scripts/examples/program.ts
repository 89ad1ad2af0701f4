/** Runs the npm scripts of an example, as its reader does. */
import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';

/** A script under way. */
export interface Running {
  /** All that it has printed. */
  output(): string;
  /** Waits until the output has this, and gives what matched. @throws {Error} If the script ends, or half a minute passes, without. */
  said(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Tells it to end, and waits until it has. */
  stop(): Promise<number | null>;
}

const PATIENCE = 30_000;

/** Starts a script of an example. */
export function start(
  folder: string,
  script: string,
  {args = [], env = {}}: {args?: readonly string[]; env?: NodeJS.ProcessEnv} = {},
): Running {
  // A group of its own, so that the signal reaches what npm has started.
  const child = spawn('npm', ['run', '--silent', script, '--', ...args], {
    cwd: folder,
    env: {...process.env, ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  return {
    output: () => output,
    said: async (pattern) => {
      const until = performance.now() + PATIENCE;
      for (;;) {
        const match = output.match(pattern);
        if (match !== null) return match;
        if (child.exitCode !== null) throw new Error(`${folder} has ended without ${pattern}:\n${output}`);
        if (performance.now() > until) throw new Error(`${folder} does not say ${pattern}:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop: async () => {
      tell(child, 'SIGTERM');
      const patience = setTimeout(() => tell(child, 'SIGKILL'), 10_000);
      await ended;
      clearTimeout(patience);
      return child.exitCode;
    },
  };
}

/** Runs a script to its end and gives what it has printed. @throws {Error} If it fails or takes longer than two minutes. */
export async function run(folder: string, script: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn('npm', ['run', '--silent', script], {
    cwd: folder,
    env: {...process.env, ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const patience = setTimeout(() => tell(child, 'SIGKILL'), 120_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(patience);
  if (code !== 0) throw new Error(`${folder}: npm run ${script} has ended with ${code}:\n${output}`);
  return output;
}

function tell(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, signal);
}
