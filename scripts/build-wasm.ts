/**
 * Compiles src/tfjs/wasm/assembly to WebAssembly and writes it, as text, into a TypeScript file
 * beside it, so that no bundler and no server has to know about it. `npm ci` runs this.
 */
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import asc from 'assemblyscript/asc';
import {wasmFile, wasmHead} from './shipping/build-faults.js';

const folder = join(import.meta.dirname, '../src/tfjs/wasm/assembly');
const options = [
  '-O3',
  '--runtime',
  'stub',
  '--noAssert',
  '--importMemory',
  '--initialMemory',
  '0',
  '--enable',
  'simd',
  '--disableWarning',
];
const variants = {
  SIMD_MODULE: [],
  // For engines with relaxed SIMD: multiplication and addition in one instruction.
  SIMD_MODULE_RELAXED: ['--enable', 'relaxed-simd'],
  // For the backend with threads, whose memory is shared between them.
  SIMD_MODULE_SHARED: ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'],
};

const out = await mkdtemp(join(tmpdir(), 'build-wasm-'));
try {
  const texts = [];
  for (const [name, flags] of Object.entries(variants)) {
    const binary = join(out, 'module.wasm');
    const {error, stderr} = await asc.main([join(folder, 'index.ts'), ...options, ...flags, '--outFile', binary]);
    if (error) throw new Error(`AssemblyScript: ${error.message}\n${stderr.toString()}`);
    const bytes = await readFile(binary);
    texts.push(`export const ${name}: string =\n  '${bytes.toString('base64')}';\n`);
    console.log(`${name}: ${bytes.length} bytes of WebAssembly`);
  }
  await writeFile(wasmFile, `${wasmHead()}${texts.join('\n')}`);
} finally {
  await rm(out, {recursive: true});
}
