/**
 * What is wrong with dist, compared with the sources: parts that are missing, WebAssembly that is no
 * module, and files made from other sources than those that lie here. The source maps hold the sources
 * that were built, so nothing depends on the times of files, which git and tar change.
 */
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {basename, dirname, isAbsolute, join, relative} from 'node:path';
import {entryPaths, manifest, root, threadEntries} from './entries.js';

/** The file that `npm run build:wasm` writes, with what it was made from in its first line. */
export const wasmFile: string = join(root, 'src/tfjs/wasm/_simd-binary.ts');

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly string[];
}

/** One sentence for each fault; none for a build that may be packed. */
export function buildFaults(): string[] {
  return [...missingFiles(), ...wasmFaults(), ...staleFiles(), ...brokenDeclarations()];
}

/** Whether the WebAssembly was made from the sources in assembly/ as they are. */
export function isWasmFresh(): boolean {
  return existsSync(wasmFile) && readFileSync(wasmFile, 'utf8').startsWith(wasmHead());
}

/** The first line of the file with the WebAssembly. */
export function wasmHead(): string {
  const hash = createHash('sha256').update(readFileSync(join(root, 'scripts/build-wasm.ts')));
  const folder = join(root, 'src/tfjs/wasm/assembly');
  for (const path of readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .sort())
    hash.update(`\n${path.replaceAll('\\', '/')}\n`).update(readFileSync(join(folder, path)));
  return `/** Made from assembly/ by scripts/build-wasm.ts, sources ${hash.digest('hex').slice(0, 16)}. */\n`;
}

function missingFiles(): string[] {
  const entries = Object.values(entryPaths).flatMap((paths) => [paths.import, paths.require].flatMap((each) => [each.types, each.default]));
  const threads = [
    ...Object.keys(threadEntries).map((name) => `./dist/cjs/${name}.cjs`),
    ...Object.values(threadEntries).map((source) => `./dist/esm/${source.slice('src/'.length, -3)}.js`),
  ];
  const wanted = new Set([manifest.main, manifest.module, manifest.types, ...entries, ...threads]);
  const modules = sourceModules().map((path) => `./dist/esm/${path.slice('src/'.length, -3)}.js`);
  return [...new Set([...wanted, ...modules])].filter((path) => !existsSync(join(root, path))).map((path) => `${path} is missing.`);
}

/** Each build must hold both variants, as modules that a browser would take. */
function wasmFaults(): string[] {
  if (!isWasmFresh()) return ['src/tfjs/wasm/_simd-binary.ts is missing, or made from other sources than those in assembly/.'];
  return ['esm', 'cjs'].flatMap((format) => {
    const texts = filesOf(format, /\.c?js$/).map((path) => readFileSync(join(root, path), 'utf8'));
    return ['SIMD_MODULE', 'SIMD_MODULE_SHARED'].flatMap((name) => {
      const [, base64] = texts.map((text) => new RegExp(`\\b${name} = "([^"]*)"`).exec(text)).find((found) => found !== null) ?? [];
      if (base64 === undefined) return [`dist/${format} lacks the WebAssembly of ${name}.`];
      return WebAssembly.validate(Buffer.from(base64, 'base64')) ? [] : [`dist/${format}: what it holds as ${name} is no WebAssembly.`];
    });
  });
}

function staleFiles(): string[] {
  const built = new Set(sourceModules().map((path) => `dist/esm/${path.slice('src/'.length, -3)}.js`));
  const alone = filesOf('esm', /\.js$/).filter((path) => !built.has(path));
  const maps = ['esm', 'cjs'].flatMap((format) => filesOf(format, /\.c?js$/).map((path) => `${path}.map`));
  return [...alone.map((path) => `${path} has no source any more.`), ...maps.flatMap(staleSources)];
}

function staleSources(path: string): string[] {
  if (!existsSync(join(root, path))) return [`${path} is missing.`];
  const {sources, sourcesContent} = JSON.parse(readFileSync(join(root, path), 'utf8')) as SourceMap;
  return sources.flatMap((source, index) => {
    // Helpers that the build adds have no source but the file itself.
    if (source === basename(path, '.map')) return [];
    if (isAbsolute(source)) return [`${path} names a path of the machine that built it, ${source}.`];
    const file = join(root, dirname(path), source);
    const name = relative(root, file).replaceAll('\\', '/');
    if (!name.startsWith('src/')) return [`${path.slice(0, -4)} holds code from ${name}, which is not ours.`];
    if (!existsSync(file)) return [`${path.slice(0, -4)} was made from ${name}, which is not there any more.`];
    return readFileSync(file, 'utf8') === sourcesContent?.[index]
      ? []
      : [`${path.slice(0, -4)} is stale: ${name} has changed since it was built.`];
  });
}

/** Declarations must find each other. */
function brokenDeclarations(): string[] {
  return ['esm', 'cjs'].flatMap((format) =>
    filesOf(format, /\.d\.c?ts$/).flatMap((path) => {
      const imports = readFileSync(join(root, path), 'utf8').matchAll(/from '(\.[^']+)\.(c?)js'/g);
      return [...imports]
        .map(([, target, common]) => join(dirname(path), `${target}.d.${common}ts`).replaceAll('\\', '/'))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${target}, which ${path} imports, is missing.`);
    }),
  );
}

/** TypeScript below src that is built. */
export function sourceModules(): string[] {
  return readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'})
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.startsWith('src/tfjs/wasm/assembly/'))
    .sort();
}

/** Files of one build by their ending, from the folder of the package. */
export function filesOf(format: string, ending: RegExp): string[] {
  const folder = join(root, 'dist', format);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .map((path) => `dist/${format}/${path.replaceAll('\\', '/')}`)
    .filter((path) => ending.test(path))
    .sort();
}
