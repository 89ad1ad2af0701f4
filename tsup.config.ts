import {defineConfig, type Options} from 'tsup';

const options: Options = {
  entry: {
    index: 'src/index.ts',
    layers: 'src/layers/index.ts',
    losses: 'src/losses/index.ts',
    metrics: 'src/metrics/index.ts',
    baselines: 'src/baselines/index.ts',
    node: 'src/node/index.ts',
    // Not to be imported: worker threads run it, and look for it beside the rest.
    'worker-thread': 'src/node/worker-thread.ts',
  },
  format: ['esm', 'cjs'],
  dts: true,
  clean: true,
  splitting: true,
  sourcemap: true,
  target: 'es2022',
  // Neither platform: one build serves Node, bundlers and browsers alike.
  platform: 'neutral',
  // CommonJS knows its own place by another name.
  esbuildOptions: (build, {format}) => {
    if (format === 'cjs') build.define = {...build.define, 'import.meta.url': '__filename'};
  },
};

export default defineConfig(options) as unknown;
