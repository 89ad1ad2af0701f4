/** tfjs-node, the real one: it is found, works on every Node, and takes what other backends take. */
import {describe, expect, test} from 'vitest';
import {provideNative} from '../../src/tfjs/native/provide.js';
import {restoreNodeUtil} from '../../src/tfjs/native/node-util.js';
import {hasNative, hasNativeGpu, noNative, noNativeGpu} from '../helpers/native.js';
import {inNewProcess} from '../helpers/new-process.js';

/** Makes any Node a Node 23: these are what it has removed, or will, and tfjs-node calls. */
const remove = `
  const util = process.getBuiltinModule('node:util');
  for (const name of ['isNullOrUndefined', 'isArray']) delete util[name];`;

const compute = `
  const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  const y = tf.concat([x, tf.avgPool(x, 2, 1, 'same')], 3);
  const best = tf.topk(tf.reshape(y, [-1]), 2).values;`;

describe.skipIf(!hasNative)(`tfjs-node${hasNative ? '' : ` (skipped: ${noNative})`}`, () => {
  test('is selected and computes where Node has removed what it calls', async () => {
    const result = await inNewProcess(`${remove}
      const {backend, kept} = await selectBackend({prefer: ['tfjs-node']});
      ${compute}
      console.log('\\n' + JSON.stringify({backend, kept, best: [...best.dataSync()]}));`);
    expect(result).toEqual({backend: 'tensorflow', kept: false, best: [4, 4]});
  });

  test('computes there, too, if the application has imported it before', async () => {
    const result = await inNewProcess(`${remove}
      await import('@tensorflow/tfjs-node');
      const {backend, kept} = await selectBackend();
      ${compute}
      console.log('\\n' + JSON.stringify({backend, kept, best: [...best.dataSync()]}));`);
    expect(result).toEqual({backend: 'tensorflow', kept: true, best: [4, 4]});
  });

  test('steps from 0 to 1 above zero, keeps NaN, and takes whole numbers', async () => {
    const result = await inNewProcess(`
      await selectBackend({prefer: ['tfjs-node']});
      const {numTensors} = tf.memory();
      const read = (make) => tf.tidy(() => [...make().dataSync()].map(String));
      const values = tf.tensor1d([NaN, -Infinity, -1, -0, 0, 1e-30, Infinity]);
      const floats = read(() => tf.step(values));
      const leaky = read(() => tf.step(values, 0.5));
      values.dispose();
      const whole = read(() => tf.step(tf.tensor1d([-2, 0, 3], 'int32')));
      console.log('\\n' + JSON.stringify({floats, leaky, whole, left: tf.memory().numTensors - numTensors}));`);
    expect(result).toEqual({
      floats: ['NaN', '0', '0', '0', '0', '1', '1'],
      leaky: ['NaN', '0.5', '0.5', '0.5', '0.5', '1', '1'],
      whole: ['0', '0', '1'],
      left: 0,
    });
  });

  test('has the gradient of a 1×1 filter with a stride, and stays alive', async () => {
    // One channel in and out: the gradient is the sum of the pixels that the filter meets, times those of dy.
    const result = await inNewProcess(`
      await selectBackend({prefer: ['tfjs-node']});
      const x = tf.tensor4d(Float32Array.from({length: 8 * 12 * 8}, (_, index) => index % 7), [1, 8, 12, 8]);
      const filter = tf.ones([1, 1, 8, 16]);
      const slope = tf.grad((values) => tf.sum(tf.conv2d(x, values, 2, 'same')));
      let first = [];
      for (let turn = 0; turn < 20; turn++) first = [...tf.tidy(() => slope(filter)).dataSync()].filter((_, index) => index % 16 === 0);
      const pixels = x.arraySync()[0];
      const expected = Array.from({length: 8}, (_, channel) => {
        let sum = 0;
        for (let row = 0; row < 8; row += 2) for (let column = 0; column < 12; column += 2) sum += pixels[row][column][channel];
        return sum;
      });
      console.log('\\n' + JSON.stringify({first, expected}));`);
    const {first, expected} = result as {first: number[]; expected: number[]};
    expect(first).toEqual(expected);
  });
});

test.skipIf(!hasNativeGpu)(
  `tfjs-node-gpu is taken with a card, and without one named as what lacks it${hasNativeGpu ? '' : ` (skipped: ${noNativeGpu})`}`,
  async () => {
    const result = await inNewProcess(`
    const {backend, unavailable} = await selectBackend();
    const {isGPUPackage, isUsingGpuDevice: hasCard} = tf.engine().backend;
    ${compute}
    console.log('\\n' + JSON.stringify({backend, first: unavailable[0], isGPUPackage, hasCard, best: [...best.dataSync()]}));`);
    const {hasCard} = result as {hasCard: boolean};
    const first = hasCard
      ? {}
      : {first: {name: 'tfjs-node-gpu', reason: expect.stringMatching(/^TensorFlow finds no GPU: .*installed\.$/)}};
    expect(result).toEqual({backend: 'tensorflow', ...first, isGPUPackage: true, hasCard, best: [4, 4]});
  },
);

describe('the reason against tfjs-node', () => {
  const importing = (message: string): string => `data:text/javascript,throw new Error(${encodeURIComponent(JSON.stringify(message))})`;

  test('says how its native library comes if only that is missing', async () => {
    const package_ = importing('The Node.js native addon module (tfjs_binding.node) can not be found at path: /a\nPlease run');
    expect(await provideNative(package_, true)).toMatch(/is installed without its native library \(npm rebuild .* downloads it\)\.$/);
  });

  test('is that of the import otherwise, and outside Node there is no import', async () => {
    expect(await provideNative(importing('libtensorflow.so.2: cannot open'), true)).toMatch(/failed: libtensorflow\.so\.2: cannot open/);
    expect(await provideNative('@tensorflow/tfjs-node', false)).toBe('It runs in Node.js only.');
  });
});

describe("Node's util", () => {
  const util = process.getBuiltinModule('node:util') as unknown as Record<string, unknown>;
  const names = ['isNullOrUndefined', 'isArray'];

  test('gets back what is missing, and keeps what it has', () => {
    const before = names.map((name) => util[name]);
    try {
      const own = (): boolean => true;
      util['isArray'] = own;
      delete util['isNullOrUndefined'];
      restoreNodeUtil();
      expect(util['isArray']).toBe(own);
      const isNullOrUndefined = util['isNullOrUndefined'] as (value: unknown) => boolean;
      expect([null, undefined, 0, '', false].map((value) => isNullOrUndefined(value))).toEqual([true, true, false, false, false]);
    } finally {
      names.forEach((name, index) => (before[index] === undefined ? Reflect.deleteProperty(util, name) : (util[name] = before[index])));
    }
  });
});
