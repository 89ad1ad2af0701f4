/**
 * Writes the version of package.json where it stands a second time: src/core/version.ts, the examples and package-lock.json. Part of
 * `npm run release:version`.
 */
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {trackedFiles} from '../source-files.js';
import {manifest, root} from './entries.js';

const file = join(root, 'src/core/version.ts');
const text = readFileSync(file, 'utf8');
const changed = text.replace(/VERSION = '[^']*'/, `VERSION = '${manifest.version}'`);
if (!changed.includes(`'${manifest.version}'`)) throw new Error('src/core/version.ts has no VERSION to set.');
writeFileSync(file, changed);
for (const example of trackedFiles(root).filter((path) => /^examples\/[^/]+\/package\.json$/.test(path))) {
  const path = join(root, example);
  const content = JSON.parse(readFileSync(path, 'utf8')) as {dependencies: Record<string, string>};
  content.dependencies[manifest.name] = `^${manifest.version}`;
  writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`);
}
execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'], {cwd: root, stdio: 'inherit'});
