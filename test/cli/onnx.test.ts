/** A model of ONNX on the command line: what its file says, what is found out, and what has to be told. */
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {tensor} from '@tensorflow/tfjs-core';
import {initializers, layers, sequential} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {onnxOfLayers} from '../../scripts/onnx/onnx-of-layers.js';
import {writePng} from '../../src/node/index.js';
import {patience} from '../helpers/environment.js';
import {startBackend} from '../helpers/start-backend.js';
import {jsonLines, runCommand, runHere} from '../helpers/command-line.js';

let folder: string;
beforeAll(async () => {
  await startBackend('wasm');
  folder = await mkdtemp(join(tmpdir(), 'onnx-'));
  // Looks for pure red, green, blue; softly, so that what is hidden counts.
  for (const [name, activation, gain] of [
    ['colours.onnx', 'softmax', 6],
    ['logits.onnx', 'linear', 40],
  ] as const) {
    const network = sequential({
      layers: [
        layers.conv2d({inputShape: [16, 24, 3], filters: 3, kernelSize: 1, useBias: true, activation: 'relu'}),
        layers.globalAveragePooling2d({}),
        layers.dense({units: 3, activation, kernelInitializer: initializers.identity({gain})}),
      ],
    });
    network.layers[0]?.setWeights([tensor([2, -1, -1, -1, 2, -1, -1, -1, 2], [1, 1, 3, 3]), tensor([-0.3, -0.3, -0.3])]);
    await writeFile(join(folder, name), await onnxOfLayers(network));
    network.dispose();
  }
  // A blue square at the right of grey.
  const data = Uint8Array.from({length: 16 * 24 * 3}, (_, index) => (Math.floor(index / 3) % 24 < 16 ? 100 : index % 3 === 2 ? 255 : 0));
  await writePng(join(folder, 'blue.png'), {data, width: 24, height: 16, channels: 3});
});
afterAll(() => rm(folder, {recursive: true}));

describe('a model of ONNX', {timeout: patience}, () => {
  it('is explained by RISE, in a process of its own that ends', async () => {
    const args = [
      'explain',
      'blue.png',
      '--model',
      'colours.onnx',
      '-p',
      'unit',
      '--backend',
      'cpu',
      '--json',
      '--set',
      'rise.numMasks=50',
    ];
    const {code, stdout, stderr} = await runCommand(args, {cwd: folder});
    expect(stderr).toMatch(/Method: rise\./);
    expect(code).toBe(0);
    const [record] = jsonLines(stdout);
    expect(record).toMatchObject({method: 'rise', target: 2, empty: false});
    expect(record!['score']).toBeGreaterThan(0.9);
    // So few masks leave grain; windows that slide over the picture find the square.
    const where = [
      'explain',
      'blue.png',
      '-m',
      'colours.onnx',
      '-p',
      'unit',
      '--backend',
      'wasm',
      '--json',
      '--method',
      'occlusion',
      '-o',
      'o',
    ];
    const [found] = jsonLines((await runHere(where, {cwd: folder})).stdout);
    expect(found).toMatchObject({method: 'occlusion', target: 2});
    expect(found!['peakX']).toBeGreaterThan(0.6);
  });

  it('has its scores looked at, and what does not fit refused', async () => {
    const probabilities = await runHere(['describe', 'colours.onnx', '--backend', 'wasm', '--json'], {cwd: folder});
    expect(jsonLines(probabilities.stdout)).toMatchObject([{kind: 'black box', inputShape: [16, 24, 3], numClasses: 3}]);
    expect(probabilities.stderr).not.toMatch(/logits/);
    const logits = await runHere(['describe', 'logits.onnx', '--backend', 'wasm', '--json'], {cwd: folder});
    expect(logits.stderr).toMatch(/are no probabilities: they are taken for logits, with a softmax/);
    const cases: [string[], number, RegExp][] = [
      [['describe', 'colours.onnx', '--input-size', '32'], 2, /takes pictures of 16x24/],
      [['describe', 'absent.onnx'], 1, /absent\.onnx cannot be read/],
      [['describe', 'blue.onnx'], 1, /blue\.onnx is no model that ONNX Runtime can load/],
      [['explain', 'blue.png', '-m', 'colours.onnx', '-p', 'unit', '--method', 'grad-cam'], 2, /rise, lime and occlusion take every model/],
      [['describe', '.', '--layout', 'NHWC'], 2, /--layout is for models of ONNX/],
    ];
    await writeFile(join(folder, 'blue.onnx'), 'no model');
    for (const [args, code, words] of cases) {
      const outcome = await runHere([...args, '--backend', 'wasm'], {cwd: folder});
      expect(outcome.stderr, args.join(' ')).toMatch(words);
      expect(outcome.code, args.join(' ')).toBe(code);
    }
  });
});
