/**
 * Tests in a real Chromium, on each backend that a browser has. A page has no files and processes, so
 * what tests those stays in Node; what does not depend on the backend runs once, on wasm.
 */
import {join, resolve} from 'node:path';
import {playwright} from '@vitest/browser-playwright';
import {defineConfig, type ViteUserConfig} from 'vitest/config';
import {chromium, isolation} from './test/browser/chromium.js';
import {downloads} from './test/browser/downloads.js';
import {rawFiles} from './test/browser/raw-files.js';

const root = import.meta.dirname;
const folders = {
  AKD_DATA: resolve(process.env['AKD_DATA'] ?? join(root, '../shared/data')),
  AKD_GOLDENS: resolve(process.env['AKD_GOLDENS'] ?? join(root, '../shared/goldens')),
};

/** What computes on tensors. */
const quick = [
  'baselines/{grad-cam,grad-cam-golden,grad-cam-variants,gradient-saliency,lime-golden,rise-masks}',
  'browser/*',
  'data/{network-input,resize}',
  'distiller/backends-agree',
  'layers/*',
  'losses/*',
  'metrics/causal',
  'models/{execute-graph,score-model}',
];
/** The stored numbers of a whole network: minutes on a GPU in software. */
const computing = [...quick, 'metrics/causal-golden', 'baselines/rise-network'];
/** Long, or mostly the same operations once more. */
const further = [
  'baselines/{class-activation-map,explainers,lime,rise,smooth-grad}',
  'distiller/compiled-student',
  'metrics/{compare,of-map,of-model,randomization-check}',
  'models/{compiled-model,students,teacher-from-layers-model}',
];
/** Trains for hundreds of steps. */
const training = ['distiller/distiller'];
const plain = ['baselines/{ridge,superpixels}', 'core/random', 'data/batches', 'metrics/maps-and-classes', 'models/targets', 'render/*'];

/** `short`: what takes a few minutes on a GPU in software; `whole`: everything everywhere, which takes hours. */
const extent = process.env['AKD_EXTENT'] ?? '';
const isShort = extent === 'short';
const onGPU = {short: quick, whole: [...computing, ...further, ...training]}[extent] ?? computing;

const backends: Readonly<Record<string, readonly string[]>> = {
  webgl: [...onGPU, 'tfjs/uploads'],
  webgpu: [...onGPU, 'tfjs/uploads', 'tfjs/webgpu-kernels'],
  wasm: isShort ? quick : [...computing, ...further, ...training, ...plain],
  'wasm-threads': quick,
  cpu: ['distiller/backends-agree', 'browser/backend', 'losses/*'],
};

const config: ViteUserConfig = defineConfig({
  plugins: [rawFiles([join(root, 'test/golden'), ...Object.values(folders)])],
  // Found at once: what is found during a test reloads its page.
  optimizeDeps: {include: ['axe-core', 'd3-color', 'd3-scale', 'd3-scale-chromatic', 'd3-shape']},
  server: {headers: isolation},
  test: {
    setupFiles: ['test/helpers/setup.ts'],
    testTimeout: extent === 'whole' ? 1_800_000 : 120_000,
    reporters: ['default', './test/helpers/tally.ts'],
    maxWorkers: 1,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({launchOptions: chromium}),
      commands: {downloads},
      instances: Object.entries(backends).map(([name, files]) => ({
        browser: 'chromium',
        name,
        // In one page for all files compiled shaders stay; without any, a new page costs little.
        isolate: !name.startsWith('webg'),
        // Every backend has a browser of its own; more than two at a time keep each other waiting.
        sequence: {groupOrder: name.startsWith('webg') ? 0 : 1},
        include: files.map((file) => `test/${file}.test.ts`),
        env: {...folders, AKD_EXTENT: extent, AKD_BACKEND: name, AKD_ROOT: root},
      })),
    },
  },
});

export default config;
