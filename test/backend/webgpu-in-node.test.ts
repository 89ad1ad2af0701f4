/** Setting up WebGPU in Node, on SwiftShader where the machine has it, and taking it back. */
import {existsSync} from 'node:fs';
import {afterEach, describe, expect, test, vi} from 'vitest';
import {BackendError} from '../../src/core/errors/backend-error.js';
import {setUpWebGPUInNode} from '../../src/node/index.js';
import {swiftShader} from '../helpers/swift-shader.js';
import {inNewProcess} from '../helpers/new-process.js';

const present = existsSync(swiftShader);

describe('setUpWebGPUInNode', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.skipIf(process.env['AKD_BACKEND'] === 'webgpu')('says what is missing where there is no driver', async () => {
    vi.stubEnv('VK_DRIVER_FILES', '/nowhere.json');
    const attempt = setUpWebGPUInNode();
    await expect(attempt).rejects.toThrow(BackendError);
    await expect(attempt).rejects.toThrow(/^setUpWebGPUInNode: .*(no adapter.*driver|software adapter only)/);
    expect('GPUBufferUsage' in globalThis).toBe(false);
  });

  test.skipIf(!present)(
    `computes, is taken back, and can be set up again${present ? '' : ` (skipped: there is no ${swiftShader})`}`,
    {timeout: 120_000},
    async () => {
      vi.stubEnv('VK_DRIVER_FILES', swiftShader);
      const result = (await inNewProcess(`
      const {setUpWebGPUInNode} = await import('./src/node/index.ts');
      await import('@tensorflow/tfjs-backend-cpu');
      await import('@tensorflow/tfjs-layers');
      await tf.setBackend('cpu');
      const names = ['navigator', 'GPUBufferUsage', 'GPUDevice'];
      const here = () => names.map((name) => name === 'navigator' ? globalThis.navigator?.gpu !== undefined : name in globalThis);
      const filter = tf.variable(tf.randomNormal([3, 3, 3, 4], 0, 1, 'float32', 2));
      const slope = async () => {
        const gradient = tf.tidy(() => {
          const x = tf.randomNormal([2, 9, 7, 3], 0, 1, 'float32', 1);
          return tf.variableGrads(() => tf.sum(tf.square(tf.conv2d(x, filter, 2, 'same')))).grads[filter.name];
        });
        const values = [...await gradient.data()];
        gradient.dispose();
        return values;
      };
      const seen = {before: here(), expected: await slope(), refused: await setUpWebGPUInNode().then(() => '', (error) => error.message)};
      for (const round of ['first', 'second']) {
        const gpu = await setUpWebGPUInNode({allowSoftware: true});
        seen[round] = {adapter: gpu.adapter, backend: tf.getBackend(), here: here(), values: await slope()};
        await gpu.dispose();
        await gpu.dispose();
        seen[round].after = {backend: tf.getBackend(), here: here(), values: await slope()};
      }
      console.log('\\n' + JSON.stringify(seen));`)) as Record<string, unknown>;
      const numbers = result['expected'] as number[];
      const close = expect.toSatisfy((values: number[]) =>
        values.every((value, at) => Math.abs(value - numbers[at]!) < 1e-3 * Math.max(...numbers)),
      );
      expect(result['before']).toEqual([false, false, false]);
      expect(result['refused']).toMatch(/software adapter only .*swiftshader.*wasm is faster/);
      for (const round of ['first', 'second']) {
        expect(result[round]).toEqual({
          adapter: expect.stringMatching(/swiftshader/i),
          ...{backend: 'webgpu', here: [true, true, true], values: close},
          after: {backend: 'cpu', here: [false, false, false], values: numbers},
        });
      }
    },
  );
});
