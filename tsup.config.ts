/**
 * Two builds. ES modules stay one file per module, so that a bundler leaves out every module that is
 * not used, with all that it imports; merged into chunks, each would bring along its neighbours'
 * dependencies. CommonJS, which nobody shakes, is one file per entry.
 */
import {readdirSync} from 'node:fs';
import {defineConfig, type Options} from 'tsup';

const publicEntries = {
  index: 'src/index.ts',
  layers: 'src/layers/index.ts',
  losses: 'src/losses/index.ts',
  metrics: 'src/metrics/index.ts',
  baselines: 'src/baselines/index.ts',
  models: 'src/models/index.ts',
  data: 'src/data/index.ts',
  render: 'src/render/index.ts',
  node: 'src/node/index.ts',
  queue: 'src/queue/index.ts',
};
// Not to be imported: worker threads run the first, and it loads the job that it is asked to do.
const threadEntries = {
  'worker-thread': 'src/workers/worker-thread.ts',
  'queries/score-job': 'src/queries/score-job.ts',
  'distiller/train/part-job': 'src/distiller/train/part-job.ts',
  'distiller/explain/explain-job': 'src/distiller/explain/explain-job.ts',
  'queue/shard-thread': 'src/queue/shard-thread.ts',
};

const modules = readdirSync('src', {recursive: true, encoding: 'utf8'})
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.startsWith('tfjs/wasm/assembly/'));

const shared: Options = {
  clean: true,
  sourcemap: true,
  target: 'es2022',
  // Neither platform: one build serves Node, bundlers and browsers alike.
  platform: 'neutral',
};

const esm: Options = {
  ...shared,
  entry: Object.fromEntries(modules.map((path) => [path.slice(0, -3), `src/${path}`])),
  bundle: false,
  format: 'esm',
  dts: {entry: publicEntries},
  outDir: 'dist/esm',
};

const cjs: Options = {
  ...shared,
  entry: {...publicEntries, ...threadEntries},
  splitting: true,
  format: 'cjs',
  dts: {entry: publicEntries},
  outDir: 'dist/cjs',
  // CommonJS knows its own place by another name.
  esbuildOptions: (build) => {
    build.define = {...build.define, 'import.meta.url': '__filename'};
  },
};

export default defineConfig([esm, cjs]) as unknown;
