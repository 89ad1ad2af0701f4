/**
 * Takes every optional package away in turn, and all of them at once, and uses the package without it: all
 * entries import, every other backend still computes, and what is missing is named with what to install.
 * Run after `npm run build`: `npm run check:optional`.
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {swiftShader} from '../test/helpers/swift-shader.js';
import {installedPackages, packedProject} from './packed-project.js';

const root = join(import.meta.dirname, '..');
const {peerDependenciesMeta} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  peerDependenciesMeta: Record<string, {optional?: boolean}>;
};
const optional = Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name]?.optional);
const present = installedPackages();
const hasGpu = existsSync(swiftShader);

/** The backends that Node can have, each with the sets of packages of which one suffices. */
const backends: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'tfjs-node-gpu': [['@tensorflow/tfjs-node-gpu']],
  webgpu: [['webgpu', '@tensorflow/tfjs-backend-webgpu']],
  'tfjs-node': [['@tensorflow/tfjs-node'], ['@tensorflow/tfjs-node-gpu']],
  wasm: [[]],
  cpu: [[]],
};

/** What a process without some of the packages has seen. */
interface Seen {
  /** By the backend that was asked for: what computed, or why nothing did. */
  readonly results: Readonly<Record<string, string>>;
  /** Why a file that does not exist could not be decoded. */
  readonly decoding: string;
}

// Of each backend a score, a map and a gradient.
const program = `
  import * as main from 'attentive-distiller';
  import {decodeImage, loadLayersModelFromFiles} from 'attentive-distiller/node';
  import * as tf from '@tensorflow/tfjs-core';
  for (const entry of ['layers', 'losses', 'metrics', 'baselines', 'queue']) await import('attentive-distiller/' + entry);
  const results = {};
  for (const name of ${JSON.stringify(Object.keys(backends))}) {
    try {
      const {backend} = await main.selectBackend({prefer: [name], allowSoftware: true});
      const model = await loadLayersModelFromFiles(${JSON.stringify(join(root, 'quickstart/teacher'))});
      const image = tf.randomUniform([1, ...model.inputs[0].shape.slice(1)], -1, 1, 'float32', 1);
      const distiller = await main.AttentiveDistiller.create({teacher: model, decoder: {filters: [4, 4, 4, 4]}});
      const maps = [...await distiller.explain(image), ...await main.gradientSaliency(image, model)];
      results[name] = maps.every(({data, empty}) => !empty && data.every(Number.isFinite)) ? 'computes on ' + backend : 'draws nothing';
    } catch (error) {
      results[name] = error.message;
    }
  }
  const decoding = await decodeImage('none.png').then(() => '', (error) => error.message);
  console.log('\\n' + JSON.stringify({results, decoding}));
  process.exit(0);
`;

for (const without of [...optional.map((name) => [name]), optional]) {
  const {results, decoding} = useWithout(without);
  const isThere = (name: string): boolean => present.includes(name) && !without.includes(name);
  for (const [name, result] of Object.entries(results)) {
    const sets = backends[name] as readonly (readonly string[])[];
    const missing = sets.some((set) => set.every(isThere)) ? [] : (sets[0] as readonly string[]).filter((each) => !isThere(each));
    // Without an adapter nobody asks for the backend.
    if (name === 'webgpu' && !hasGpu && isThere('webgpu')) continue;
    const where = `${name} without ${without.join(', ')}`;
    if (missing.length > 0)
      assert.match(
        result,
        new RegExp(missing.map((each) => `The package ${each} is not installed \\(npm install ${each}\\)`).join('|')),
        where,
      );
    else assert.equal(result, `computes on ${name.startsWith('tfjs-node') ? 'tensorflow' : name}`, where);
  }
  assert.match(decoding, isThere('sharp') ? /none\.png/ : /npm install sharp/);
  const computing = Object.keys(results).filter((name) => results[name]?.startsWith('computes'));
  const note = without.some((name) => present.includes(name)) ? '' : ' (It was not installed here.)';
  console.log(`Without ${without.length === 1 ? without[0] : 'any of them'}: ${computing.join(', ')} compute.${note}`);
}

function useWithout(without: readonly string[]): Seen {
  const {folder, remove} = packedProject(without);
  try {
    writeFileSync(join(folder, 'use.mjs'), program);
    const env = {...process.env, TF_CPP_MIN_LOG_LEVEL: '3', ...(hasGpu ? {VK_DRIVER_FILES: swiftShader} : {})};
    const output = execFileSync(process.execPath, ['use.mjs'], {cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env});
    return JSON.parse(output.slice(output.lastIndexOf('\n{') + 1)) as Seen;
  } finally {
    remove();
  }
}
