/** The files of the sources and what they import, read as text. */
import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';

/** TypeScript files below a folder, AssemblyScript and what is made by a script left out; relative to `root`, with `/`. */
export function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('/assembly/') && !path.endsWith('_simd-binary.ts'))
    .sort();
}

/** Files that belong to the repository, committed or not yet; those that are not there any more are left out. */
export function trackedFiles(root: string): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const list = execFileSync('git', args, {cwd: root, encoding: 'utf8'});
  return list.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
}

/**
 * The files of this project that a file imports.
 *
 * @param types Whether imports of types alone count: they bind files together, but do not run.
 */
export function importsOf(root: string, file: string, types: boolean): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const statements = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s*['"](\.[^'"]+)['"]/gm)];
  const calls = [...text.matchAll(/(?:^import\s*|import\(|vi\.mock\()\s*['"](\.[^'"]+)['"]/gm)].map(([, path]) => path as string);
  const paths = [...statements.filter(([, type]) => types || type === undefined).map(([, , path]) => path as string), ...calls];
  const found = paths.map((path) => {
    const target = join(root, dirname(file), path);
    return relative(root, existsSync(target) ? target : target.replace(/\.js$/, '.ts')).replaceAll('\\', '/');
  });
  return found.filter((path) => path.endsWith('.ts') && existsSync(join(root, path)));
}
