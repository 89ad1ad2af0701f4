/**
 * Lists what each folder of src imports from which other, in the order of the imports, and looks for what
 * must not be: an import from a later folder, a circle of files, and a file named with `_` that another folder
 * imports. Imports of types count. `npm run structure`; ends with 1 if it finds any.
 */
import {join} from 'node:path';
import {formatTable} from '../src/core/format-table.js';
import {folders} from './folders.js';
import {filesBelow, importsOf} from './source-files.js';

const root = join(import.meta.dirname, '..');
const files = filesBelow(root, 'src');
const imports = new Map(files.map((file) => [file, importsOf(root, file, true)]));

/** The folder of a file below src; `''` for src/index.ts. */
const folderOf = (file: string): string => (file.split('/').length > 2 ? (file.split('/')[1] as string) : '');

const edges = [...imports].flatMap(([from, targets]) => targets.map((to) => ({from, to})));
const rows = folders.map((folder) => {
  const own = files.filter((file) => folderOf(file) === folder);
  const outward = edges.filter(({from, to}) => folderOf(from) === folder && folderOf(to) !== folder);
  const counted = folders
    .map((other) => ({other, count: outward.filter(({to}) => folderOf(to) === other).length}))
    .filter(({count}) => count > 0);
  return [folder, String(own.length), counted.map(({other, count}) => `${other} ${count}`).join(', ') || '–'];
});
console.log(formatTable(['folder', 'files', 'imports from (how often)'], rows));

const rank = (file: string): number => (folderOf(file) === '' ? folders.length : folders.indexOf(folderOf(file)));
const faults = [
  ...files.filter((file) => rank(file) < 0).map((file) => `${file}: its folder is not in scripts/folders.js`),
  ...edges.filter(({from, to}) => rank(to) > rank(from)).map(({from, to}) => `upward: ${from} imports ${to}`),
  ...edges.filter(({from, to}) => isInternalElsewhere(from, to)).map(({from, to}) => `internal: ${from} imports ${to}`),
  ...circles().map((circle) => `circle: ${circle.join(' -> ')}`),
];
console.log(faults.length === 0 ? '\nNo import goes upward, none closes a circle.' : `\n${faults.join('\n')}`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** A file whose name begins with `_` is for its own folder. */
function isInternalElsewhere(from: string, to: string): boolean {
  const cut = to.lastIndexOf('/');
  return to[cut + 1] === '_' && !from.startsWith(to.slice(0, cut + 1));
}

/** One circle for each file from which a walk along the imports comes back to where it has been. */
function circles(): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  return found;
}
