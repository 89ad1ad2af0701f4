/**
 * Two builds. ES modules stay one file per module, so that a bundler leaves out every module that is
 * not used, with all that it imports; merged into chunks, each would bring along its neighbours'
 * dependencies. CommonJS, which nobody shakes, is one file per entry.
 */
import {defineConfig, type Options} from 'tsup';
import {sourceModules} from './scripts/shipping/build-faults.js';
import {publicEntries, threadEntries} from './scripts/shipping/entries.js';

const shared: Options = {
  clean: true,
  sourcemap: true,
  target: 'es2022',
  // Neither platform: one build serves Node, bundlers and browsers alike.
  platform: 'neutral',
};

const esm: Options = {
  ...shared,
  entry: Object.fromEntries(sourceModules().map((path) => [path.slice('src/'.length, -3), path])),
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
