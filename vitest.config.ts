import {defineConfig, type ViteUserConfig} from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/endurance/**'],
    setupFiles: ['test/helpers/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/helpers/tally.ts'],
    // A tfjs engine is global to its process; two processes fit the two cores that CI has.
    pool: 'forks',
    maxWorkers: 2,
  },
});

export default config;
