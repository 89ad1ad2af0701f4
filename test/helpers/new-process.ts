/** Runs lines of TypeScript in a process of its own, where nothing is chosen yet. */
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

/**
 * Returns what the lines have printed last, as JSON on a line of its own. They find `selectBackend` and
 * `tf`, which is tfjs-core; paths are those of the repository.
 */
export async function inNewProcess(lines: string): Promise<unknown> {
  const source = `
    const {selectBackend} = await import('./src/backend/select-backend.ts');
    const tf = await import('@tensorflow/tfjs-core');
    ${lines}`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', source];
  const {stdout} = await promisify(execFile)(process.execPath, args, {cwd: `${import.meta.dirname}/../..`});
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1));
}
