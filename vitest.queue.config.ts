/** Shards on real servers, by workers in processes of their own: `npm run build`, then `npm run test:queue`. */
import {defineConfig, mergeConfig, type ViteUserConfig} from 'vitest/config';
import config from './vitest.config.js';

const queue: ViteUserConfig = mergeConfig(
  {...config, test: {...config.test, include: ['test/queue/**/*.test.ts'], exclude: []}},
  defineConfig({test: {testTimeout: 200_000, hookTimeout: 120_000}}),
);

export default queue;
