/**
 * Uses the package as its users do: packs it, unpacks it into an empty project, and imports every
 * entry as ESM and as CommonJS. Run after `npm run build`; part of `npm run check:package`.
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {packedProject} from './packed-project.js';
import {buildFaults} from './shipping/build-faults.js';
import {publicEntries, root} from './shipping/entries.js';

const entries = Object.keys(publicEntries).map((name) => (name === 'index' ? '.' : `./${name}`));
const browserEntries = Object.values(publicEntries)
  .filter((source) => !/^src\/(node|queue)\//.test(source))
  .map((source) => source.replace(/^src\/(.*)\.ts$/, '$1.js'));

// Importing must not choose a backend, start anything or know where it is; afterwards it must work.
const use = `
  const before = Object.keys(tf.engine().registryFactory).length;
  assert.equal(before, 0, 'importing registered a backend');
  const {AttentiveDistiller, insertionScore, VERSION, selectBackend} = main;
  assert.equal(typeof AttentiveDistiller.create, 'function');
  assert.equal(VERSION, require('attentive-distiller/package.json').version, 'VERSION and package.json differ');
  selectBackend({prefer: ['wasm', 'cpu']}).then(async ({backend}) => {
    assert.ok(['wasm', 'cpu'].includes(backend));
    const sum = (batch) => tf.tidy(() => {
      const total = tf.reshape(tf.sum(batch, [1, 2, 3]), [-1, 1]);
      return tf.concat([total, tf.onesLike(total)], 1);
    });
    const image = tf.tensor3d([0.4, 0.3, 0.2, 0.1], [2, 2, 1]);
    const {auc} = await insertionScore(image, [[0.4, 0.3], [0.2, 0.1]], sum, {stepSize: 2, fill: 'zeros', target: 0});
    assert.ok(Math.abs(auc - 0.6) < 1e-6, 'insertion of the example is ' + auc);
    assert.equal(tf.memory().numTensors, 1);

    // Threads find their code in the package, and follow --import to layers of one's own.
    const flat = tfl.sequential({layers: [new Twice({inputShape: [2, 2, 1]}), tfl.layers.flatten(), tfl.layers.dense({units: 2, activation: 'softmax'})]});
    const options = {numMasks: 12, gridSize: 2, batchSize: 4};
    const [[alone], [shared]] = [await main.rise(image, flat, options), await main.rise(image, flat, {...options, workers: 2})];
    assert.deepEqual(shared, {...alone, options: {...alone.options, workers: 2}});
  });
`;

const ownLayer = `
  import {mul, serialization} from '@tensorflow/tfjs-core';
  import {layers} from '@tensorflow/tfjs-layers';
  class Twice extends layers.Layer {
    static className = 'Twice';
    call(inputs) {
      return mul([inputs].flat()[0], 2);
    }
  }
  serialization.registerClass(Twice);
  globalThis.Twice = Twice;
`;

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {version: string; bin: Record<string, string>};

assert.deepEqual(buildFaults(), [], 'dist must be whole and fresh: npm run build');

const {folder, packed, remove} = packedProject();
try {
  const {files, unpackedSize} = packed;
  for (const {path} of files) {
    assert.ok(
      /^(dist\/(esm|cjs)\/[\w./-]+|package\.json|docs\/(methods\/)?[\w-]+\.md|docs\/pictures\/maps\.webp|README\.md|LICENSE|CHANGELOG\.md|THIRD-PARTY\.md)$/.test(
        path,
      ),
      `${path} does not belong into the package`,
    );
  }

  writeFileSync(
    join(folder, 'esm.mjs'),
    `import assert from 'node:assert/strict';
     import {createRequire} from 'node:module';
     import * as tf from '@tensorflow/tfjs-core';
     import * as tfl from '@tensorflow/tfjs-layers';
     import * as main from 'attentive-distiller';
     const require = createRequire(import.meta.url);
     for (const entry of ${JSON.stringify(entries)}) await import('attentive-distiller' + entry.slice(1));
     ${use}`,
  );
  writeFileSync(
    join(folder, 'cjs.cjs'),
    `const assert = require('node:assert/strict');
     const tf = require('@tensorflow/tfjs-core');
     const tfl = require('@tensorflow/tfjs-layers');
     const main = require('attentive-distiller');
     for (const entry of ${JSON.stringify(entries)}) require('attentive-distiller' + entry.slice(1));
     ${use}`,
  );
  writeFileSync(join(folder, 'own-layer.mjs'), ownLayer);
  for (const file of ['esm.mjs', 'cjs.cjs'])
    execFileSync(process.execPath, ['--import', './own-layer.mjs', join(folder, file)], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });

  // The program starts by the name that npm gives it, and no entry of the library loads any of it.
  const program = join(folder, 'node_modules/attentive-distiller', packageJson.bin['attentive-distiller'] as string);
  assert.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  assert.equal(execFileSync(process.execPath, [program, '--version'], {encoding: 'utf8'}), `${packageJson.version}\n`);
  const described = execFileSync(process.execPath, [program, 'describe', join(root, 'quickstart/teacher'), '--json', '--quiet'], {
    encoding: 'utf8',
  });
  assert.equal((JSON.parse(described) as {numClasses: number}).numClasses, 8);
  const dist = join(folder, 'node_modules/attentive-distiller/dist/esm');
  const cli = [...browserEntries, 'node/index.js']
    .flatMap((entry) => [...reachable(join(dist, entry))])
    .filter((file) => file.includes('/cli/'));
  assert.deepEqual(cli, [], 'the library loads parts of the program');
  for (const entry of browserEntries) {
    for (const file of reachable(join(dist, entry))) {
      const text = readFileSync(file, 'utf8');
      assert.ok(
        !/(from|import|import\()\s*["'](node:|fs|path|sharp|piscina|webgpu)/.test(text),
        `${file}, which ${entry} imports, imports Node: it would break browsers`,
      );
    }
  }
  console.log(`The package works as ESM and CommonJS: ${files.length} files, ${(unpackedSize / 1e6).toFixed(2)} MB unpacked.`);
} finally {
  remove();
}

/** The files that an entry loads with its static imports. */
function reachable(file: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, next] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*["'](\.[\w./-]+)["']/g))
    reachable(join(dirname(file), next as string), seen);
  return seen;
}
