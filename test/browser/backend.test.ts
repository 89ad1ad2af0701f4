/** Which backend a page gets, and why. */
import {getBackend, setBackend} from '@tensorflow/tfjs-core';
import {getThreadsCount} from '@tensorflow/tfjs-backend-wasm';
import {describe, expect, it} from 'vitest';
import {selectBackend, type BackendName, type BackendSelection} from '../../src/index.js';
import {setting} from '../helpers/environment.js';
import {importWasm} from '../helpers/start-backend.js';

const asked = setting('AKD_BACKEND')!;

describe('a page', () => {
  it('computes on the backend that it is asked to', async () => {
    expect(getBackend()).toBe(asked === 'wasm-threads' ? 'wasm' : asked);
    expect(await selectBackend()).toMatchObject({kept: true, unavailable: []});
  });

  it.runIf(asked === 'wasm-threads')('has as many threads as are asked for where it is isolated', () => {
    expect(crossOriginIsolated).toBe(true);
    expect(getThreadsCount()).toBe(2);
  });

  const reasons = ({unavailable}: BackendSelection): Record<string, string> =>
    Object.fromEntries(unavailable.map(({name, reason}) => [name, reason]));

  it.runIf(asked === 'cpu')(
    'gets wasm where a GPU is none, or its backend not part of it, with reasons that a page can act on',
    async () => {
      await importWasm();
      const prefer: BackendName[] = ['tfjs-node-gpu', 'tfjs-node', 'webgpu', 'webgl', 'wasm'];
      const selection = await selectBackend({prefer});
      expect(selection.backend).toBe('wasm');
      expect(reasons(selection)).toEqual({
        'tfjs-node-gpu': 'It runs in Node.js only.',
        'tfjs-node': 'It runs in Node.js only.',
        webgpu: expect.stringMatching(/software adapter only \(.*swiftshader/i),
        webgl: expect.stringMatching(/software renderer only \(.*swiftshader.*\); wasm is faster\.$/i),
      });
      await setBackend('cpu');
      expect(reasons(await selectBackend({prefer, allowSoftware: true}))).toMatchObject({
        webgpu: expect.stringMatching(/^The page does not have it: write import '@tensorflow\/tfjs-backend-webgpu'/),
        webgl: expect.stringMatching(/^The page does not have it: write import '@tensorflow\/tfjs-backend-webgl'/),
      });
      await setBackend('cpu');
    },
  );

  it.runIf(asked === 'webgl' || asked === 'webgpu')('learns the name of what computes', async () => {
    await setBackend('cpu');
    const {backend, kept, adapter} = await selectBackend({prefer: [asked as BackendName], allowSoftware: true});
    expect({backend, kept}).toEqual({backend: asked, kept: false});
    expect(adapter).toMatch(/swiftshader/i);
  });
});
