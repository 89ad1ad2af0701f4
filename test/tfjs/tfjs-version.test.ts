/** Another tfjs than the one whose inner parts this library mends is refused before anything is computed. */
import {version_core, zeros, type Tensor4D} from '@tensorflow/tfjs-core';
import {LayersModel, version_layers} from '@tensorflow/tfjs-layers';
import {afterEach, describe, expect, it, vi} from 'vitest';
import {checkBackend, requireBackend} from '../../src/backend/check-backend.js';
import {onBackend} from '../../src/backend/on-backend.js';
import {selectBackend} from '../../src/backend/select-backend.js';
import {BackendError} from '../../src/core/errors/backend-error.js';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {checkTfjsVersion, tfjsVersionProblem} from '../../src/tfjs/tfjs-version.js';

describe('the versions of tfjs', () => {
  it.each([{core: '4.22.0'}, {core: '4.22.3'}, {core: '4.22.0', layers: '4.22.1'}])('%o can be used', (versions) => {
    expect(tfjsVersionProblem(versions)).toBeUndefined();
    expect(() => checkTfjsVersion('rise', versions)).not.toThrow();
  });

  it.each([
    [{core: '4.21.0'}, '@tensorflow/tfjs-core 4.21.0 and @tensorflow/tfjs-layers 4.21.0'],
    [{core: '4.2.0', layers: '4.22.0'}, '@tensorflow/tfjs-core 4.2.0'],
    [{core: '4.22.0', layers: '4.20.0'}, '@tensorflow/tfjs-layers 4.20.0'],
    [{core: '5.0.0-rc.1', layers: '4.220.0'}, '@tensorflow/tfjs-core 5.0.0-rc.1 and @tensorflow/tfjs-layers 4.220.0'],
  ])('%o cannot, and the message says what is there, what is needed and what to install', (versions, found) => {
    expect(() => checkTfjsVersion('rise', versions)).toThrow(BackendError);
    expect(() => checkTfjsVersion('rise', versions)).toThrow(
      `rise: ${found} cannot be used, 4.22 is needed. Install it, and the same version of every backend: npm install @tensorflow/tfjs-core@~4.22.0 @tensorflow/tfjs-layers@~4.22.0`,
    );
  });

  it('are those of the packages that are loaded here, which can be used', () => {
    expect(version_core).toBe(version_layers);
    expect(tfjsVersionProblem()).toBeUndefined();
  });
});

describe('with tf.layers of another version', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('nothing is installed, selected, probed or computed', async () => {
    vi.spyOn(LayersModel.prototype as unknown as {updatedConfig(): object}, 'updatedConfig').mockReturnValue({
      kerasVersion: 'tfjs-layers 4.20.0',
    });
    expect(installTrainingKernels).toThrow(BackendError);
    expect(installTrainingKernels).toThrow(/^installTrainingKernels: @tensorflow\/tfjs-layers 4\.20\.0 cannot be used, 4\.22 is needed/);
    await expect(selectBackend()).rejects.toThrow(/^selectBackend: @tensorflow\/tfjs-layers 4\.20\.0/);
    await expect(checkBackend('train')).rejects.toThrow(/^checkBackend: @tensorflow\/tfjs-layers 4\.20\.0/);
    await expect(requireBackend('fit', 'train')).rejects.toThrow(/^fit: @tensorflow\/tfjs-layers 4\.20\.0/);
    const work = vi.fn(async () => zeros([1, 1, 1, 1]) as Tensor4D);
    await expect(onBackend('rise', work)).rejects.toThrow(BackendError);
    expect(work).not.toHaveBeenCalled();
  });
});
