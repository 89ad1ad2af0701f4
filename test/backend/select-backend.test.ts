/** Which backend is taken, which is kept, and what is said about the others. */
import {
  engine,
  findBackendFactory,
  getBackend,
  KernelBackend,
  memory,
  registerBackend,
  removeBackend,
  setBackend,
  tensor1d,
} from '@tensorflow/tfjs-core';
import {describe, expect, test} from 'vitest';
import {selectBackend, type BackendName} from '../../src/backend/select-backend.js';
import {BackendError} from '../../src/core/errors/backend-error.js';
import {hasNative} from '../helpers/native.js';
import {inNewProcess} from '../helpers/new-process.js';

/** In the order in which they are tried in Node, with those that cannot be taken on a machine without a GPU. */
const order = ['tfjs-node-gpu', 'webgpu', 'webgl', 'tfjs-node', 'wasm'];
const fastest = hasNative ? {name: 'tfjs-node', backend: 'tensorflow'} : {name: 'wasm', backend: 'wasm'};

/** A backend that starts and knows no operation. */
class Broken extends KernelBackend {
  override dispose(): void {}
}

describe('selectBackend', () => {
  test('keeps the backend that is in use, and makes it able to train', async () => {
    const before = getBackend();
    const x = tensor1d([1, 2]);
    expect(await selectBackend()).toEqual({backend: before, kept: true, unavailable: []});
    expect([...(await x.data())]).toEqual([1, 2]);
    x.dispose();
  });

  test('keeps it when prefer names it anywhere', async () => {
    await setBackend('cpu');
    expect(await selectBackend({prefer: ['wasm', 'cpu']})).toEqual({backend: 'cpu', kept: true, unavailable: []});
  });

  test('changes it when prefer does not name it', async () => {
    await setBackend('cpu');
    expect(await selectBackend({prefer: ['wasm']})).toEqual({backend: 'wasm', kept: false, unavailable: []});
    expect(getBackend()).toBe('wasm');
  });

  test('tries in the order of prefer and leaves no tensor', async () => {
    await setBackend('wasm');
    const {numTensors} = memory();
    const {backend, unavailable} = await selectBackend({prefer: ['webgl', 'cpu']});
    expect(backend).toBe('cpu');
    expect(unavailable.map(({name}) => name)).toEqual(['webgl']);
    expect(memory().numTensors).toBe(numTensors);
  });

  test('refuses unknown names and an empty list', async () => {
    await expect(selectBackend({prefer: ['cuda' as BackendName]})).rejects.toThrow(RangeError);
    await expect(selectBackend({prefer: ['cuda' as BackendName]})).rejects.toThrow(/must be one of .*'tfjs-node-gpu'.* but is "cuda"/);
    await expect(selectBackend({prefer: []})).rejects.toThrow(RangeError);
    await expect(selectBackend({prefer: []})).rejects.toThrow(/^selectBackend: prefer must be a list of at least 1/);
  });

  test.each<[string, unknown, string]>([
    ['an unknown option', {prefered: ['cpu']}, "there is no option 'prefered'. Did you mean 'prefer'?"],
    ['a name alone', {prefer: 'cpu'}, 'prefer must be a list of at least 1, each one of '],
    ['a number among the names', {prefer: ['cpu', 3]}, 'prefer[1] must be one of '],
    ['a word for a switch', {allowSoftware: 'yes'}, 'allowSoftware must be true or false, but is "yes".'],
    ['no object', 'cpu', 'options must be an object, but is "cpu".'],
    ['null', null, 'options must be an object, but is null.'],
    ['a promise', Promise.resolve({}), 'options must be an object, but is a promise (await it first).'],
  ])('refuses %s as the wrong kind, and changes nothing', async (_, options, message) => {
    const before = getBackend();
    await expect(selectBackend(options as never)).rejects.toThrow(TypeError);
    await expect(selectBackend(options as never)).rejects.toThrow(`selectBackend: ${message}`);
    expect(getBackend()).toBe(before);
  });

  test('throws a BackendError with every reason if none works, and returns to the one before', async () => {
    await setBackend('cpu');
    registerBackend('webgpu', () => new Broken());
    try {
      const attempt = selectBackend({prefer: ['webgl', 'webgpu']});
      await expect(attempt).rejects.toThrow(BackendError);
      await expect(attempt).rejects.toThrow(/none of 2 backends works\.\n- webgl: Node\.js has no WebGL context.*\n- webgpu: \S/);
    } finally {
      removeBackend('webgpu');
    }
    expect(getBackend()).toBe('cpu');
    expect(engine().backend).toBeDefined();
  });

  test('uses a registered factory without importing, and passes over one that cannot add', async () => {
    await setBackend('cpu');
    registerBackend('webgl', () => new Broken());
    try {
      const {backend, unavailable} = await selectBackend({prefer: ['webgl', 'wasm']});
      expect(backend).toBe('wasm');
      expect(unavailable).toEqual([{name: 'webgl', reason: expect.stringMatching(/^It does not work: [^\n]+$/)}]);
    } finally {
      removeBackend('webgl');
    }
    expect(findBackendFactory('webgl')).toBeFalsy();
  });
});

describe('in a process that has chosen nothing', () => {
  test(`${fastest.name} is taken in Node.js ${hasNative ? 'where it is installed' : 'without native packages'}, and each faster backend has its reason`, async () => {
    const result = await inNewProcess('console.log("\\n" + JSON.stringify(await selectBackend()));');
    const {backend, kept, unavailable} = result as Awaited<ReturnType<typeof selectBackend>>;
    expect(unavailable.map(({name}) => name)).toEqual(order.slice(0, order.indexOf(fastest.name)));
    expect([backend, kept]).toEqual([fastest.backend, false]);
    for (const {name, reason} of unavailable) {
      expect(reason, name).toMatch(/install/);
      expect(reason, name).not.toMatch(/\n/);
    }
  });

  test('importing a backend is no choice, setting one is, even before it has started', async () => {
    const imported = await inNewProcess(
      `await import('@tensorflow/tfjs-backend-cpu'); console.log("\\n" + JSON.stringify(await selectBackend()));`,
    );
    expect(imported).toMatchObject({backend: fastest.backend, kept: false});
    const starting = await inNewProcess(
      `await import('@tensorflow/tfjs-backend-wasm'); void tf.setBackend('wasm'); console.log("\\n" + JSON.stringify(await selectBackend()));`,
    );
    expect(starting).toMatchObject({backend: 'wasm', kept: true});
  });

  test('loading a model from files selects one, and a method that finds none says how to', async () => {
    const result = await inNewProcess(`
      const {loadLayersModelFromFiles} = await import('./src/node/index.ts');
      const {checkBackend, rise} = await import('./src/index.ts');
      const refused = await rise({data: new Uint8Array(3), width: 1, height: 1}, async () => [[1]], {}).catch(({name, message}) => ({name, message}));
      const {ok, backend, missing} = await checkBackend('train');
      const model = await loadLayersModelFromFiles('quickstart/teacher');
      console.log("\\n" + JSON.stringify({refused, checked: {ok, backend, missing: missing.length}, backend: tf.getBackend(), layers: model.layers.length > 3}));`);
    expect(result).toEqual({
      refused: {
        name: 'BackendError',
        message: 'rise: no tfjs backend is in use, and none that was imported starts. Call await selectBackend() first.',
      },
      checked: {ok: false, backend: 'none', missing: 1},
      ...{backend: fastest.backend, layers: true},
    });
  });

  test.skipIf(!hasNative)('tfjs-node is not taken for tfjs-node-gpu, unless that is asked for', async () => {
    const result = await inNewProcess(`
      await import('@tensorflow/tfjs-node');
      const seen = {kept: await selectBackend()};
      seen.refused = await selectBackend({prefer: ['tfjs-node-gpu']}).catch(({message}) => message);
      seen.used = tf.getBackend();
      seen.allowed = await selectBackend({prefer: ['tfjs-node-gpu'], allowSoftware: true});
      console.log("\\n" + JSON.stringify(seen));`);
    expect(result).toEqual({
      kept: {backend: 'tensorflow', kept: true, unavailable: []},
      refused: expect.stringMatching(/- tfjs-node-gpu: The package @tensorflow\/tfjs-node, which has no GPU, was imported before/),
      used: 'tensorflow',
      allowed: {backend: 'tensorflow', kept: true, unavailable: []},
    });
  });

  test('a backend that was imported is taken, where none was set', async () => {
    const result = await inNewProcess(`
      await import('@tensorflow/tfjs-backend-cpu');
      const {checkBackend} = await import('./src/index.ts');
      const {ok, backend} = await checkBackend('black-box');
      console.log("\\n" + JSON.stringify({ok, backend}));`);
    expect(result).toEqual({ok: true, backend: 'cpu'});
  });

  test('no listener is added to the process, and none of the application is removed', async () => {
    const result = await inNewProcess(`
      const mine = (reason) => { throw reason; };
      process.on('unhandledRejection', mine);
      await selectBackend();
      const later = process.listeners('unhandledRejection');
      console.log("\\n" + JSON.stringify({uncaught: process.listenerCount('uncaughtException'), mine: later.length === 1 && later[0] === mine}));`);
    expect(result).toEqual({uncaught: 0, mine: true});
  });
});
