/**
 * What a page has to load: bundles each entry of the built package for browsers, and single functions,
 * and compares the size with its budget, gzipped, without the peers (tfjs-core and tfjs-layers, which
 * a page has anyway). Which packages come along matters more than bytes, so they are limited too.
 * Run after `npm run build`; part of `npm run check:package`. Bundled with esbuild itself: what was
 * merged, and from where, is then known, without a tool around it.
 */
import assert from 'node:assert/strict';
import {gzipSync} from 'node:zlib';
import {build} from 'esbuild';
import {formatTable} from '../src/core/format-table.js';
import {dryPack} from './packed-project.js';
import {publicEntries, root} from './shipping/entries.js';

interface Budget {
  /** Lines of a module that a page might hold. */
  readonly code: string;
  /** Thousands of bytes, gzipped. About a tenth above what it was when the budget was set. */
  readonly kilobytes: number;
  /** The packages that may come along. */
  readonly packages: readonly string[];
  /** Where it runs. @default 'browser' */
  readonly platform?: 'browser' | 'node';
}

const core = '@tensorflow/tfjs-core';
const layers = '@tensorflow/tfjs-layers';
// Imported when the backend is selected, not before: a bundler makes files of their own of them.
const backends = ['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-backend-wasm'];

// Scales and shapes of plots, and what they depend on.
const plots = ['d3-array', 'd3-format', 'd3-path', 'd3-scale', 'd3-shape', 'internmap'];

// What the peers depend on.
const ofPeers = ['long', 'node-fetch', 'seedrandom', 'tr46', 'webidl-conversions', 'whatwg-url'];

// Every function carries the list of its options: kind, range, default, and the words that refuse what does not fit. Whatever
// takes a model can read a GraphModel, and looks through what comes after a softmax; layers hold those of Keras, too.
const budgets: Readonly<Record<string, Budget>> = {
  'the whole package': {
    code: "export * from 'attentive-distiller';",
    // Of which the report, with its plots and words, is 24, and what makes tfjs train fast on each backend 20.
    kilobytes: 213,
    packages: [core, layers, ...backends, ...plots, 'd3-color', 'd3-interpolate', 'd3-scale-chromatic', 'ml-matrix', 'pure-rand'],
  },
  layers: {code: "export * from 'attentive-distiller/layers';", kilobytes: 13.3, packages: [core, layers, 'pure-rand']},
  losses: {code: "export * from 'attentive-distiller/losses';", kilobytes: 5.8, packages: [core, 'pure-rand']},
  // A student that starts as another network brings what puts a fresh head on one, and the layers of Keras that it may have.
  models: {code: "export * from 'attentive-distiller/models';", kilobytes: 41.5, packages: [core, layers, 'pure-rand']},
  // The images of a page are told apart here.
  data: {code: "export * from 'attentive-distiller/data';", kilobytes: 9, packages: [core, 'pure-rand']},
  render: {
    code: "export * from 'attentive-distiller/render';",
    kilobytes: 18.8,
    packages: [core, 'd3-color', 'd3-interpolate', 'd3-scale-chromatic'],
  },
  metrics: {code: "export * from 'attentive-distiller/metrics';", kilobytes: 49.5, packages: [core, layers, 'pure-rand']},
  baselines: {code: "export * from 'attentive-distiller/baselines';", kilobytes: 88, packages: [core, layers, 'ml-matrix', 'pure-rand']},
  // sharp is loaded when a picture is decoded; check:optional uses the entry without it. Reports and shards bring along what they draw
  // and measure.
  node: {
    code: "export * from 'attentive-distiller/node';",
    kilobytes: 153,
    packages: [core, layers, ...backends, ...plots, 'csv-parse', 'd3-color', 'd3-interpolate', 'd3-scale-chromatic', 'pure-rand'],
    platform: 'node',
  },
  // bullmq is loaded when a queue is opened.
  queue: {
    code: "export * from 'attentive-distiller/queue';",
    kilobytes: 39,
    packages: [core, layers, ...backends, 'pure-rand'],
    platform: 'node',
  },
  'AttentiveDistiller alone': {
    code: "export {AttentiveDistiller} from 'attentive-distiller';",
    // Training on several cores and fewer, larger kernels are 6 of it.
    kilobytes: 107,
    packages: [core, layers, ...backends, 'pure-rand'],
  },
  'insertionScore alone': {code: "export {insertionScore} from 'attentive-distiller';", kilobytes: 28.5, packages: [core, 'pure-rand']},
  'rise alone': {code: "export {rise} from 'attentive-distiller/baselines';", kilobytes: 27, packages: [core, 'pure-rand']},
  'colorize alone': {
    code: "export {colorize} from 'attentive-distiller';",
    kilobytes: 16,
    packages: ['d3-color', 'd3-interpolate', 'd3-scale-chromatic'],
  },
};

/** Of what npm downloads and unpacks: the build twice, its source maps, and docs. In millions of bytes. */
const packedMegabytes = {size: 2.5, unpackedSize: 9};

const missing = Object.keys(publicEntries).filter((name) => budgets[name === 'index' ? 'the whole package' : name] === undefined);
assert.deepEqual(missing, [], 'These entries of package.json have no budget in scripts/check-size.ts');
const measured = await Promise.all(
  Object.entries(budgets).map(async ([name, {code, kilobytes, packages, platform = 'browser'}]) => {
    const size = await gzippedSize(code, platform);
    const found = await packagesIn(code, platform);
    return {name, size, kilobytes, extra: found.filter((each) => !packages.includes(each))};
  }),
);
console.log(
  formatTable(
    ['bundle', 'kB gzipped', 'budget'],
    measured.map(({name, size, kilobytes}) => [name, size.toFixed(1), kilobytes]),
  ),
);
for (const {name, size, kilobytes, extra} of measured) {
  assert.deepEqual(extra, [], `${name}: these packages come along and should not`);
  assert.ok(
    size <= kilobytes,
    `${name}: ${size.toFixed(1)} kB gzipped are more than its budget of ${kilobytes} kB. Import less, or raise the budget with a reason.`,
  );
}
const packed = dryPack();
for (const key of ['size', 'unpackedSize'] as const) {
  const megabytes = packed[key] / 1e6;
  const what = key === 'size' ? 'The package to download' : 'The package, unpacked,';
  assert.ok(
    megabytes <= packedMegabytes[key],
    `${what} has ${megabytes.toFixed(2)} MB, more than its budget of ${packedMegabytes[key]} MB.`,
  );
  console.log(`${what} has ${megabytes.toFixed(2)} MB of ${packedMegabytes[key]} MB allowed.`);
}

/** Thousands of bytes of what is loaded at once, peers and backends left out. */
async function gzippedSize(code: string, platform: 'browser' | 'node'): Promise<number> {
  const {outputFiles} = await build({...options(code, platform), external: ['@tensorflow/*', 'sharp', 'piscina']});
  return gzipSync((outputFiles as {contents: Uint8Array}[])[0]?.contents ?? '', {level: 9}).length / 1000;
}

/** The packages of which anything is left in the bundle and in what it may load later. */
async function packagesIn(code: string, platform: 'browser' | 'node'): Promise<string[]> {
  const {metafile} = await build({...options(code, platform), external: ['sharp', 'piscina'], metafile: true, splitting: true});
  const {outputs} = metafile;
  assert.ok(outputs['out/stdin.js'], 'esbuild names its output otherwise');
  const reached = new Set(['out/stdin.js']);
  for (const path of reached) outputs[path]?.imports.filter(({external}) => !external).forEach((each) => reached.add(each.path));
  const names = [...reached]
    .flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}))
    .filter(([, {bytesInOutput}]) => bytesInOutput > 0)
    .map(([path]) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter((name) => name !== undefined);
  return [...new Set(names)].filter((name) => !ofPeers.includes(name));
}

function options(
  code: string,
  platform: 'browser' | 'node',
): {
  stdin: {contents: string; resolveDir: string};
  bundle: true;
  minify: true;
  format: 'esm';
  platform: 'browser' | 'node';
  target: string;
  write: false;
  outdir: string;
} {
  return {
    stdin: {contents: code, resolveDir: root},
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    target: 'es2022',
    write: false,
    outdir: 'out',
  };
}
