/**
 * One process at a time works in a folder. The others wait: a file there says who works. What a dead process left is
 * taken away: at once where it ran on this machine, otherwise when nobody has touched it for 30 s.
 */
import {ModelFileError} from '../core/errors/model-file-error.js';
import {nodeBuiltin} from '../core/node-builtin.js';

/** The name of that file. */
export const LOCK = 'attentive-save.lock';

/** Who works in a folder. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Different for every lock. */
  readonly token: string;
}

/** What is found of a lock: its owner, unless that is not written yet, and its age. */
interface Found {
  readonly owner: Owner | undefined;
  readonly ageMs: number;
}

const TOUCH_MS = 5_000;
const STALE_MS = 30_000;
// A process that dies before it has written its name leaves an empty file.
const UNWRITTEN_MS = 1_000;
const GIVE_UP_MS = 60_000;
const POLL_MS = 20;

/** The locks of this process: what it could not remove when it was done is not among them. */
const ours = new Set<string>();

/**
 * Runs `work` while no other process does so in this folder, which exists.
 *
 * @param work Gets a function that throws where the lock was lost, as after a process has slept for long: to be
 *   called before what another process would suffer from.
 * @throws {ModelFileError} If another process holds the lock for a minute, or took it over meanwhile.
 * @throws What `work` throws, or the file system.
 */
export async function withFolderLock<T>(folder: string, work: (checkHeld: () => Promise<void>) => Promise<T>): Promise<T> {
  const fs = nodeBuiltin('node:fs/promises');
  const path = nodeBuiltin('node:path').join(folder, LOCK);
  const {token} = await acquire(folder, path);
  const touching = setInterval(() => void fs.utimes(path, new Date(), new Date()).catch(() => undefined), TOUCH_MS);
  touching.unref();
  const isOurs = async (): Promise<boolean> => (await readLock(path))?.owner?.token === token;
  try {
    return await work(async () => {
      if (!(await isOurs()))
        throw new ModelFileError(`Saving to ${folder} was given up: another process took over, since this one stood still.`);
    });
  } finally {
    clearInterval(touching);
    ours.delete(token);
    if (await isOurs()) await fs.rm(path, {force: true}).catch(() => undefined);
  }
}

async function acquire(folder: string, path: string): Promise<Owner> {
  const owner = {
    pid: process.pid,
    host: nodeBuiltin('node:os').hostname(),
    token: nodeBuiltin('node:crypto').randomBytes(8).toString('hex'),
  };
  const started = Date.now();
  while (!(await create(path, owner))) {
    const found = await readLock(path);
    if (found !== undefined && isAbandoned(found, owner.host)) await takeAway(path, found);
    else if (Date.now() - started > GIVE_UP_MS) throw occupied(folder, found);
    else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return owner;
}

/** Whether the file was not there. */
async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    ours.add(owner.token); // Before the file is seen.
    await nodeBuiltin('node:fs/promises').writeFile(path, JSON.stringify(owner), {flag: 'wx'});
    return true;
  } catch (error) {
    ours.delete(owner.token);
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readLock(path: string): Promise<Found | undefined> {
  const fs = nodeBuiltin('node:fs/promises');
  try {
    const [text, {mtimeMs}] = [await fs.readFile(path, 'utf8'), await fs.stat(path)];
    return {owner: ownerIn(text), ageMs: Date.now() - mtimeMs};
  } catch {
    return undefined; // It has just been given back.
  }
}

function ownerIn(text: string): Owner | undefined {
  try {
    const {pid, host, token} = JSON.parse(text) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' && typeof token === 'string' ? {pid, host, token} : undefined;
  } catch {
    return undefined;
  }
}

function isAbandoned({owner, ageMs}: Found, host: string): boolean {
  if (owner === undefined) return ageMs > UNWRITTEN_MS;
  return ageMs > STALE_MS || (owner.host === host && !isRunning(owner));
}

function isRunning({pid, token}: Owner): boolean {
  if (pid === process.pid) return ours.has(token);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // It runs, but is not ours.
  }
}

/** Removes an abandoned lock. Two may try: what was moved away is looked at again, and put back if it is another's. */
async function takeAway(path: string, {owner}: Found): Promise<void> {
  const fs = nodeBuiltin('node:fs/promises');
  const aside = `${path}.${nodeBuiltin('node:crypto').randomBytes(6).toString('hex')}.tmp`;
  try {
    await fs.rename(path, aside);
    const moved = await readLock(aside);
    if (moved?.owner !== undefined && moved.owner.token !== owner?.token) await fs.link(aside, path);
  } catch {
    // Somebody else was faster.
  } finally {
    await fs.rm(aside, {force: true}).catch(() => undefined);
  }
}

function occupied(folder: string, found: Found | undefined): ModelFileError {
  const who = found?.owner === undefined ? 'another process' : `process ${found.owner.pid} on ${found.owner.host}`;
  return new ModelFileError(`Saving to ${folder} failed: ${who} has been saving there for a minute. Save to another folder, or end it.`);
}
