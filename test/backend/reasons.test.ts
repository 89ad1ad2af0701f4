/** Why a backend cannot be used, in one line. */
import {afterEach, describe, expect, test} from 'vitest';
import {importReason, oneLine} from '../../src/core/import-optional.js';
import {withoutNewListeners} from '../../src/tfjs/wasm/listeners.js';
import {provideWebgpu, withdrawWebgpu} from '../../src/tfjs/webgpu/provide.js';

describe('the reason for a failed import', () => {
  const notFound = (message: string, code = 'ERR_MODULE_NOT_FOUND'): Error => Object.assign(new Error(message), {code});

  test('names the package to install if it is the one that is missing', () => {
    expect(importReason('webgpu', notFound("Cannot find package 'webgpu' imported from /a/b.js"))).toBe(
      'The package webgpu is not installed (npm install webgpu).',
    );
    const inCommonJs = notFound("Cannot find module '@tensorflow/tfjs-node'\nRequire stack:\n- /a/b.js", 'MODULE_NOT_FOUND');
    expect(importReason('@tensorflow/tfjs-node', inCommonJs)).toMatch(/is not installed/);
    const byBundler = new Error('Could not resolve "@tensorflow/tfjs-node" imported by "attentive-distiller".');
    expect(importReason('@tensorflow/tfjs-node', byBundler)).toMatch(/is not installed/);
  });

  test('does not take a missing part, or another package, for it', () => {
    const gpu = notFound("Cannot find package '@tensorflow/tfjs-node-gpu' imported from /a/b.js");
    expect(importReason('@tensorflow/tfjs-node', gpu)).toMatch(/^Importing @tensorflow\/tfjs-node failed: Cannot find package/);
    const binary = new Error('The native addon module (tfjs_binding.node) can not be found at path: /a\nPlease run npm rebuild');
    expect(importReason('@tensorflow/tfjs-node', binary)).toBe(
      'Importing @tensorflow/tfjs-node failed: The native addon module (tfjs_binding.node) can not be found at path: /a',
    );
  });

  test('is one line whatever was thrown', () => {
    expect(oneLine('text\nmore')).toBe('text');
    expect(oneLine({message: 'an object'})).toBe('an object');
    expect(oneLine(undefined)).toBe('undefined');
    expect(oneLine(new Error('x'.repeat(500)))).toHaveLength(200);
  });
});

describe('WebGPU', () => {
  const original = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  afterEach(() => {
    withdrawWebgpu();
    if (original) Object.defineProperty(globalThis, 'navigator', original);
    else Reflect.deleteProperty(globalThis, 'navigator');
  });
  const offer = (adapter: object | null): void => {
    Object.defineProperty(globalThis, 'navigator', {value: {gpu: {requestAdapter: async () => adapter}}, configurable: true});
  };

  test('is taken where there is an adapter', async () => {
    offer({info: {description: 'NVIDIA GeForce'}});
    expect(await provideWebgpu(true)).toEqual({adapter: 'NVIDIA GeForce'});
  });

  test('is refused without an adapter, or with one that is software', async () => {
    offer(null);
    expect((await provideWebgpu(false)).reason).toMatch(/no adapter/);
    offer({info: {description: 'SwiftShader Device (Subzero)'}});
    expect((await provideWebgpu(true)).reason).toMatch(/software adapter only \(SwiftShader/);
    expect(await provideWebgpu(true, true)).toEqual({adapter: 'SwiftShader Device (Subzero)'});
    offer({isFallbackAdapter: true});
    expect((await provideWebgpu(true)).reason).toMatch(/software adapter only \(unnamed\)/);
  });

  test('is not looked for in a package by a browser', async () => {
    Object.defineProperty(globalThis, 'navigator', {value: {}, configurable: true});
    expect(await provideWebgpu(false)).toEqual({reason: 'This browser has no navigator.gpu.'});
  });
});

describe('listeners that only throw again', () => {
  test('are removed if they are new, also when the start fails; others stay', async () => {
    const old = (reason: unknown): void => {
      throw reason;
    };
    const useful = (): void => undefined;
    // Written as the module of the wasm backend is.
    const added = [
      'function (ex) { if (!(ex instanceof ExitStatus)) { throw ex; } }',
      'function (reason) { throw reason; }',
      'function(a){throw a}',
    ].map((source) => new Function('ExitStatus', `return ${source}`)(Error) as () => void);
    process.on('unhandledRejection', old);
    try {
      const start = async (): Promise<never> => {
        for (const listener of [...added, useful]) process.on('unhandledRejection', listener);
        throw new Error('no start');
      };
      await expect(withoutNewListeners(start)).rejects.toThrow('no start');
      const left = process.listeners('unhandledRejection');
      expect(left.filter((each) => added.includes(each as () => void))).toEqual([]);
      expect(left).toContain(old);
      expect(left).toContain(useful);
    } finally {
      for (const listener of [old, useful, ...added]) process.removeListener('unhandledRejection', listener);
    }
  });
});
