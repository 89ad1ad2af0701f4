/** Peak memory, each time in a process of its own, since a peak never goes down. */
import {fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';

const CHILD = '--peak-child';

/** Runs a bench's file as a child and returns its highest resident memory in MiB; there, {@link reportPeak} does the work. */
export function peakInChild(url: string, args: readonly string[] = []): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(url), [CHILD, ...args]);
    let peak: number | undefined;
    child.on('message', (message) => (peak = message as number));
    child.on('error', reject);
    child.on('exit', (code) =>
      peak === undefined ? reject(new Error(`The measurement (${args.join(' ')}) ended with ${code}.`)) : resolve(peak),
    );
  });
}

/** In such a child, does the work and tells the parent; elsewhere, nothing. */
export async function reportPeak(work: (args: readonly string[]) => Promise<void>): Promise<void> {
  if (process.argv[2] !== CHILD || process.send === undefined) return;
  await work(process.argv.slice(3));
  process.send(process.resourceUsage().maxRSS / 1024, () => process.disconnect());
}
