/** Runs other programs. What goes wrong ends as one message, and an exit status that says of which kind. */
import {spawnSync} from 'node:child_process';

/** The exit status when something cannot be downloaded from here; every other failure has 1. */
export const NOT_REACHABLE = 3;

/** Ends the installation with a message and an exit status. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly status: number = 1,
  ) {
    super(message);
  }
}

/** How a program is run. */
export interface CommandOptions {
  /** What it is for, as the beginning of a message: `'Compiling'`. */
  readonly what: string;
  /** What to do when it fails. */
  readonly help: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether its output is shown as it comes. @default false */
  readonly show?: boolean;
}

const unreachable =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|E40[0-9]|Max retries|NewConnectionError|name resolution|timed out|ProxyError|SSLError|HTTP error|No matching distribution/i;

/** Runs a program to its end and returns what it printed. @throws {Failure} With the last lines of its output. */
export function run(command: string, args: readonly string[], {what, help, cwd, env, show = false}: CommandOptions): string {
  const {status, stdout, stderr, error} = spawnSync(command, args, {
    cwd,
    env: {...process.env, ...env},
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', show ? 'inherit' : 'pipe', 'pipe'],
  });
  if (status === 0) return stdout ?? '';
  const output = [stdout, stderr, error?.message].filter((text) => text != null && text !== '').join('\n');
  const lines = output
    .trim()
    .split('\n')
    .slice(-30)
    .map((line) => `  ${line}`);
  throw new Failure([`${what} failed. ${help}`, ...lines].join('\n'), unreachable.test(output) ? NOT_REACHABLE : 1);
}

/** Runs npm, that which runs this script if one does. */
export function npm(args: readonly string[], options: CommandOptions): string {
  const own = process.env['npm_execpath'];
  return own === undefined ? run('npm', args, options) : run(process.execPath, [own, ...args], options);
}
