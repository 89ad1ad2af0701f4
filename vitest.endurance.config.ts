/** The long tests of `test/endurance`: what is promised is tried many times. */
import {defineConfig, mergeConfig, type ViteUserConfig} from 'vitest/config';
import config from './vitest.config.js';

const endurance: ViteUserConfig = mergeConfig(
  {...config, test: {...config.test, include: ['test/endurance/**/*.test.ts'], exclude: []}},
  defineConfig({test: {testTimeout: 7_200_000, hookTimeout: 600_000}}),
);

export default endurance;
