/**
 * Compares the reader of MAT files with scipy: on random files that scipy writes, and on all files of folders that are named.
 *
 *     PYTHON=python3 npx tsx scripts/data-sets/compare-mat.ts [--count 50] [FOLDER ...]
 *
 * What scipy cannot read, or the reader refuses by its kind, is listed.
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {parseArgs} from 'node:util';
import {parseMat} from '../../src/node/mat/read-mat.js';
import {matAsJson} from '../../test/helpers/mat-as-json.js';

interface Reading {
  readonly error?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

const {values, positionals} = parseArgs({options: {count: {type: 'string', default: '50'}}, allowPositionals: true});
const script = join(import.meta.dirname, 'mat_reference.py');
const python = (...args: string[]): string =>
  execFileSync(process.env['PYTHON'] ?? 'python3', [script, ...args], {encoding: 'utf8', maxBuffer: 2 ** 30});

const made = mkdtempSync(join(tmpdir(), 'mat-'));
try {
  python('random', made, values.count);
  const files = [made, ...positionals].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.mat'))
      .map((name) => join(folder, name)),
  );
  const expected = JSON.parse(python('read', ...files)) as Record<string, Reading>;
  const counts = {equal: 0, refused: 0, beyond: 0, different: 0};
  for (const file of files) {
    const outcome = compare(file, expected[file] as Reading);
    counts[outcome.kind]++;
    if (outcome.kind !== 'equal') console.log(`${outcome.kind}: ${basename(file)}: ${outcome.why}`);
  }
  console.log(
    `${files.length} files: ${counts.equal} equal, ${counts.refused} refused, ${counts.beyond} that scipy does not read, ${counts.different} different.`,
  );
  process.exitCode = counts.different > 0 ? 1 : 0;
} finally {
  rmSync(made, {recursive: true});
}

function compare(file: string, {error, variables}: Reading): {kind: 'equal'} | {kind: 'refused' | 'beyond' | 'different'; why: string} {
  try {
    const found = parseMat(basename(file), readFileSync(file));
    if (variables === undefined) return {kind: 'beyond', why: `scipy does not read it: ${error}`};
    const read = [...found].map(([name, value]) => [name, matAsJson(value)]);
    assert.deepStrictEqual(Object.fromEntries(read), variables);
    return {kind: 'equal'};
  } catch (failure) {
    const why = (failure as Error).message;
    const isRefused = failure instanceof Error && failure.name === 'ModelFileError';
    return {
      kind: isRefused ? 'refused' : 'different',
      why: isRefused ? `${why} (scipy: ${error ?? 'reads it'})` : `${why} (scipy: ${error ?? ''})`,
    };
  }
}
