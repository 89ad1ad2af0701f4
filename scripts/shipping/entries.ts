/** What package.json exports, and the source that each entry is made from. The build and every check of the package go by it. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

/** The folder of the package: tsup reads its config, and with it this file, bundled and from there. */
export const root: string = import.meta.dirname.replace(/[\\/]scripts[\\/]shipping$/, '');

/** Where the parts of one entry lie, for one way of importing it. */
interface Paths {
  readonly types: string;
  readonly default: string;
}

/** What the checks read of package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main: string;
  readonly module: string;
  readonly types: string;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | {readonly import: Paths; readonly require: Paths}>>;
  readonly repository?: string | {readonly url?: string};
  readonly homepage?: string;
  readonly bugs?: string | {readonly url?: string};
  readonly keywords?: readonly string[];
}

export const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** The entries by name, `index` for the package itself, with their paths. */
export const entryPaths: Readonly<Record<string, {readonly import: Paths; readonly require: Paths}>> = Object.fromEntries(
  Object.entries(manifest.exports).flatMap(([name, paths]) =>
    typeof paths === 'string' ? [] : [[name === '.' ? 'index' : name.slice(2), paths]],
  ),
);

/** The entries by name, with their sources. */
export const publicEntries: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(entryPaths).map((name) => [name, name === 'index' ? 'src/index.ts' : `src/${name}/index.ts`]),
);

/** Not to be imported: worker threads run the first, and it loads the job that it is asked to do. */
export const threadEntries: Readonly<Record<string, string>> = {
  'worker-thread': 'src/workers/worker-thread.ts',
  'queries/score-job': 'src/queries/score-job.ts',
  'distiller/train/part-job': 'src/distiller/train/part-job.ts',
  'distiller/explain/explain-job': 'src/distiller/explain/explain-job.ts',
  'queue/shard-thread': 'src/queue/shard-thread.ts',
};
