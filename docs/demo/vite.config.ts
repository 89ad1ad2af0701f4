import {defineConfig, type UserConfig} from 'vite';

// WebAssembly has threads only in a page that is isolated from other origins.
const headers = {'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp'};

const config: UserConfig = defineConfig({
  // Relative, so that the built page works below any path of a site.
  base: './',
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 2000,
    assetsInlineLimit: 0,
    // tfjs hands the text of a function to the threads of WebAssembly. The minifier folds a check in it that holds here, not there.
    rolldownOptions: {output: {minify: {compress: false, mangle: true, codegen: true}}},
  },
  server: {headers, fs: {allow: ['../..']}},
  preview: {headers},
  // One tfjs, whoever asks for it.
  resolve: {dedupe: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-backend-cpu']},
});

export default config;
