/**
 * Writes THIRD-PARTY.md: whose code is inside dist, with its licence, and which packages npm installs along with
 * this one, with theirs. Refuses a licence that is not in the list below.
 *
 *   npm run licences                 fails where a licence is not allowed or the page is not what it should be
 *   npm run licences -- --update     writes the page anew
 *
 * Which packages there are says package-lock.json, the same on every machine; node_modules has the texts. Run
 * after `npm run build`.
 */
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {filesOf} from './shipping/build-faults.js';
import {root} from './shipping/entries.js';

/** Licences that ask for nothing but their text to be kept: all may be used beside Apache-2.0. */
const allowed = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];

/** What the tools of the build write into dist, found by what it looks like. */
const helpers = [
  {name: 'sucrase', what: 'helpers for `??` and `?.` in the CommonJS build', traces: /function _(?:nullishCoalesce|optionalChain)\(/},
  {name: 'esbuild', what: 'helpers that define classes and modules', traces: /\bvar __(?:defProp|export|require|toESM|publicField)\b/},
  {name: 'assemblyscript', what: 'what its compiler adds to the WebAssembly module', traces: /\bSIMD_MODULE = "/},
];

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, {readonly optional?: boolean}>>;
}

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {packages: Readonly<Record<string, Locked>>};
const texts = ['esm', 'cjs'].flatMap((format) => filesOf(format, /\.c?js$/)).map((path) => readFileSync(join(root, path), 'utf8'));
if (texts.length === 0) throw new Error('There is no dist: run npm run build first.');

const inside = helpers.filter(({traces}) => texts.some((text) => traces.test(text)));
const along = installedAlong();
const refused = [...along, ...inside.map(({name}) => [name, licenceOf(`node_modules/${name}`)] as const)].filter(
  ([, licence]) => !licence.split(' AND ').every((part) => allowed.includes(part)),
);
const file = join(root, 'THIRD-PARTY.md');
const page = makePage();
const isUpdate = process.argv.includes('--update');

if (refused.length > 0) {
  console.error(`Not among the allowed licences (${allowed.join(', ')}):`);
  for (const [name, licence] of refused) console.error(`  ${name}: ${licence}`);
  process.exitCode = 1;
} else if (isUpdate) {
  writeFileSync(file, page);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== page) {
  console.error('THIRD-PARTY.md is not what package-lock.json and dist say: npm run licences -- --update.');
  process.exitCode = 1;
}
if (process.exitCode !== 1)
  console.log(`${along.length} packages come along, ${inside.length} have left code in dist; all their licences are allowed.`);

/** Name and licence of each package that `npm install` of this one brings: dependencies and the peers that are not optional. */
function installedAlong(): (readonly [string, string])[] {
  const {peerDependencies = {}, peerDependenciesMeta = {}} = lock.packages[''] as Locked;
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  const found = Object.entries(lock.packages)
    .filter(([path, {dev}]) => path !== '' && (!dev || peers.some((name) => path === `node_modules/${name}`)))
    .map(([path]) => [path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), licenceOf(path)] as const);
  return [...new Map(found)].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The licence that a package names: in itself, if it is installed here, otherwise in the lock. */
function licenceOf(path: string): string {
  const own = join(root, path, 'package.json');
  const named = existsSync(own) ? (JSON.parse(readFileSync(own, 'utf8')) as {license?: unknown}).license : lock.packages[path]?.license;
  return typeof named === 'string' ? named : 'none named';
}

function makePage(): string {
  const lines = [
    '# Software of others',
    '',
    'Made by `npm run licences -- --update`; not to be edited.',
    '',
    '## In this package',
    '',
    'dist is built from the sources of this package alone. The tools of the build leave small pieces of their own in it:',
    '',
    ...inside.map(({name, what}) => `- ${name} (${licenceOf(`node_modules/${name}`)}): ${what}`),
    '',
    '## Installed along with it',
    '',
    'npm installs these as packages of their own, each with its licence. Packages that are optional (other backends, sharp) come only if you install them, and are not listed.',
    '',
    '| package | licence |',
    '|---|---|',
    ...along.map(([name, licence]) => `| ${name} | ${licence} |`),
    '',
    ...inside.flatMap(({name}) => [`## Licence of ${name}`, '', '```', licenceText(name), '```', '']),
  ];
  return lines.join('\n');
}

function licenceText(name: string): string {
  const path = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].map((each) => join(root, 'node_modules', name, each)).find(existsSync);
  if (path === undefined) throw new Error(`node_modules/${name} has no file with its licence.`);
  const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n').trim();
  // The text of Apache-2.0 lies in LICENSE already.
  return licenceOf(`node_modules/${name}`) === 'Apache-2.0' ? 'Apache License, Version 2.0: see LICENSE.' : text;
}
