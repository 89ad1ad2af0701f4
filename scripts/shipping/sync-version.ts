/** Writes the version of package.json where it stands a second time: src/core/version.ts and package-lock.json. Part of `npm run release:version`. */
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {manifest, root} from './entries.js';

const file = join(root, 'src/core/version.ts');
const text = readFileSync(file, 'utf8');
const changed = text.replace(/VERSION = '[^']*'/, `VERSION = '${manifest.version}'`);
if (!changed.includes(`'${manifest.version}'`)) throw new Error('src/core/version.ts has no VERSION to set.');
writeFileSync(file, changed);
execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'], {cwd: root, stdio: 'inherit'});
