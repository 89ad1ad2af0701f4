import {defineConfig, type ViteUserConfig} from 'vitest/config';

/**
 * What takes long, and is the same on every backend or waits for processes: `npm run test:slow`. `npm test` leaves it out
 * unless files are named; the runs on wasm and on tfjs-node take it along.
 */
const slow = [
  'backend/select-backend',
  'baselines/rise',
  'cli/{compare-view-describe,distil,explain,onnx}',
  'distiller/{budget-and-warnings,compiled-student,distiller,guided,refine,resume}',
  'files/{artifact-store,folder-lock}',
  'fuzz/fuzz',
  'metrics/causal-golden',
  'models/{black-box,graph-model}',
  'node/{images,published-counts}',
  'tfjs/{convolution-gradients,moved-and-folded}',
  'workers/{training,workers}',
].map((name) => `test/${name}.test.ts`);

const isOnlySlow = process.env['AKD_TESTS'] === 'slow';
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-') && argument !== 'run');
const leavesOut = process.env['AKD_BACKEND'] === undefined && names.length === 0;

const config: ViteUserConfig = defineConfig({
  test: {
    include: isOnlySlow ? slow : ['test/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/endurance/**', 'test/queue/**', ...(leavesOut ? slow : [])],
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
