/**
 * Builds docs/demo against the package as it is packed: a folder with the packed package beside the demo's other packages, as
 * someone has who installs it. Run after `npm run build`; `npm run demo:build [-- --out DIR]` (out/demo), whose files any server
 * gives, below any path.
 */
import {execFileSync} from 'node:child_process';
import {cpSync, rmSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {packedProject} from '../packed-project.js';

const root = join(import.meta.dirname, '../..');
/** What the page is made of; it takes the quickstart's network from beside it. */
const parts = ['docs/demo', 'quickstart/teacher'];

/** Checks the types of the page and builds it into a folder, whose content is replaced. */
export function buildDemo(out: string): void {
  const {folder, remove} = packedProject();
  try {
    for (const part of parts)
      cpSync(join(root, part), join(folder, part), {recursive: true, filter: (path) => !/node_modules|\/dist$/.test(path)});
    const run = (program: string, ...args: string[]): void => {
      execFileSync(process.execPath, [join(root, 'node_modules', program), ...args], {
        cwd: join(folder, 'docs/demo'),
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    };
    run('typescript/bin/tsc');
    run('vite/bin/vite.js', 'build', '--logLevel', 'warn');
    rmSync(out, {recursive: true, force: true});
    cpSync(join(folder, 'docs/demo/dist'), out, {recursive: true});
  } finally {
    remove();
  }
}

if (process.argv[1] === import.meta.filename) {
  const at = process.argv.indexOf('--out');
  const out = resolve(at < 0 ? join(root, 'out/demo') : (process.argv[at + 1] ?? ''));
  buildDemo(out);
  console.log(`The demo is in ${out}.`);
}
