/**
 * Installs the examples with the package as it is packed, each in a folder of its own, and uses them: type-checks them, runs them,
 * and looks at what they say. Before that it types what the docs say to begin with. Run after `npm run build`: `npm run examples [-- NAME…]`.
 */
import {execFile} from 'node:child_process';
import {cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {pack} from './packed-project.js';
import {firstMinutes} from './examples/first-minutes.js';
import {httpService} from './examples/http-service.js';
import {benchmark, graphModel, onnx, ownTeacher} from './examples/output.js';
import {hasServer, redisQueue} from './examples/redis-queue.js';
import {hasBrowser, webcam} from './examples/webcam.js';
import {manifest as own, root} from './shipping/entries.js';

const execute = promisify(execFile);

/** By the folder in examples/: looks at an installed example and says what it has seen; or why it is left out. */
const checks: Readonly<Record<string, ((folder: string) => Promise<string>) | string>> = {
  'graph-model': graphModel,
  onnx,
  'own-teacher': ownTeacher,
  benchmark,
  'http-service': httpService,
  'redis-queue': hasServer ? redisQueue : 'there is no redis-server',
  webcam: hasBrowser ? webcam : 'there is no Chromium',
};

const began = performance.now();
const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
const there = readdirSync(join(root, 'examples'), {withFileTypes: true}).flatMap((each) =>
  each.isDirectory() && each.name !== 'sample' ? [each.name] : [],
);
const unchecked = there.filter((name) => !(name in checks));
if (unchecked.length > 0) throw new Error(`Nothing looks at examples/${unchecked.join(', examples/')}.`);
const names = process.argv.length > 2 ? process.argv.slice(2) : there;
const unknown = names.filter((name) => !there.includes(name));
if (unknown.length > 0) throw new RangeError(`There is no examples/${unknown.join(', examples/')}, but ${there.join(', ')}.`);

// Removing what npm has installed takes as long as installing it, so it is done while the next example runs.
const leaving: Promise<void>[] = [];
const folder = mkdtempSync(join(tmpdir(), 'examples-'));
try {
  cpSync(join(root, 'examples'), folder, {recursive: true, filter: (path) => !/node_modules|\/(out|dist)$/.test(path)});
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const archive = join(folder, pack(folder).filename);
  // Two at a time: npm waits for the network, then for the disk.
  const waiting = [...names];
  await Promise.all(
    [1, 2].map(async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await install(join(folder, name), archive);
    }),
  );
  console.log(`${names.length} examples are installed after ${seconds()}.`);
  if (names.length === there.length) {
    await execute(join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--typeRoots', join(root, 'node_modules/@types')]).catch(
      (error: {stdout: string}) => {
        throw new Error(`The examples do not fit the types of the package:\n${error.stdout}`);
      },
    );
    console.log(`Their types fit, ${seconds()}.`);
    console.log(`The first minutes: ${await firstMinutes(join(folder, 'first-minutes'), archive)} (${seconds()})`);
  }
  for (const name of names) {
    const check = checks[name] as (typeof checks)[string];
    const example = join(folder, name);
    console.log(`examples/${name}: ${typeof check === 'string' ? `left out, ${check}` : await check(example)} (${seconds()})`);
    leaving.push(rm(join(example, 'node_modules'), {recursive: true}));
  }
} finally {
  await Promise.all(leaving);
  await rm(folder, {recursive: true, force: true});
}

/** `npm install` with the archive in the place of what will be published. */
async function install(example: string, archive: string): Promise<void> {
  const file = join(example, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as {dependencies: Record<string, string>};
  const wanted = manifest.dependencies[own.name];
  if (wanted !== `^${own.version}`) throw new Error(`${file} asks for ${own.name} ${wanted}, not ^${own.version}.`);
  manifest.dependencies[own.name] = `file:${archive}`;
  writeFileSync(file, JSON.stringify(manifest, undefined, 2));
  await execute('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], {cwd: example});
}
