import {defineConfig, type Options} from 'tsup';

const options: Options = {
  entry: {
    index: 'src/index.ts',
    layers: 'src/layers/index.ts',
    losses: 'src/losses/index.ts',
    metrics: 'src/metrics/index.ts',
    baselines: 'src/baselines/index.ts',
    node: 'src/node/index.ts',
  },
  format: ['esm', 'cjs'],
  dts: true,
  clean: true,
  splitting: true,
  sourcemap: true,
  target: 'es2022',
  // Neither platform: one build serves Node, bundlers and browsers alike.
  platform: 'neutral',
};

export default defineConfig(options) as unknown;
