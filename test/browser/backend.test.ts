/** Which backend a page gets, and why. */
import {getBackend, setBackend} from '@tensorflow/tfjs-core';
import {getThreadsCount} from '@tensorflow/tfjs-backend-wasm';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/index.js';
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

  it.runIf(asked === 'cpu')('gets wasm where nothing else is part of it, with reasons that a page can act on', async () => {
    await importWasm();
    const {backend, unavailable} = await selectBackend({prefer: ['tfjs-node', 'webgpu', 'webgl', 'wasm']});
    expect(backend).toBe('wasm');
    await setBackend('cpu');
    expect(Object.fromEntries(unavailable.map(({name, reason}) => [name, reason]))).toEqual({
      'tfjs-node': 'It runs in Node.js only.',
      webgpu: expect.stringMatching(/software adapter only \(.*swiftshader/),
      webgl: expect.stringMatching(/^The page does not have it: write import '@tensorflow\/tfjs-backend-webgl'/),
    });
  });
});
