import {describe, expect, it} from 'vitest';
import {meaningfulPerturbation, meaningfulPerturbationExplainer} from '../../src/baselines/perturbation/meaningful-perturbation.js';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import {expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, onPatch, patchBatch, patchImage, patchTeacher, WIDTH} from '../helpers/patch-world.js';

describe('meaningfulPerturbation', () => {
  it.each(['deletion', 'preservation'] as const)('lights the patch that decides in the %s game', async (game) => {
    const model = patchTeacher();
    const {images} = patchBatch(0, 1);
    await expectNoLeak(async () => {
      const steps: number[] = [];
      const options = {
        game,
        numSteps: 40,
        maskSize: [8, 12],
        fill: 'zeros',
        areaWeight: 0.5,
        onProgress: ({done}: {done: number}) => steps.push(done),
      } as const;
      const [map] = await meaningfulPerturbation(images, model, options);
      const patch = patchImage(0);
      const mean = (inside: boolean): number => {
        const chosen = [...map!.data].filter((_, pixel) => onPatch(patch, pixel) === inside);
        return chosen.reduce((sum, value) => sum + value, 0) / chosen.length;
      };
      expect(mean(true)).toBeGreaterThan(3 * mean(false));
      expect(Math.min(...map!.data)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...map!.data)).toBeLessThanOrEqual(1);
      expect(map).toMatchObject({
        height: HEIGHT,
        width: WIDTH,
        method: 'meaningful-perturbation',
        seed: null,
        options: {game, numSteps: 40, maskSize: [8, 12], target: 'argmax'},
      });
      expect(steps).toEqual(Array.from({length: 40}, (_, step) => step + 1));
    });
    images.dispose();
    model.dispose();
  });

  it('hides nothing where hiding costs more than the class is worth, and says that the map is empty', async () => {
    const model = patchTeacher();
    const {images} = patchBatch(0, 1);
    const [map] = await meaningfulPerturbation(images, model, {numSteps: 3, areaWeight: 1e6});
    expect(map!.empty).toBe(true);
    images.dispose();
    model.dispose();
  });

  it('makes smoother masks where roughness costs more', async () => {
    const model = patchTeacher();
    const {images} = patchBatch(1, 1);
    const roughness = async (smoothnessWeight: number): Promise<number> => {
      const [map] = await meaningfulPerturbation(images, model, {
        numSteps: 30,
        maskSize: [8, 12],
        fill: 'zeros',
        areaWeight: 0.5,
        smoothnessWeight,
      });
      return map!.data.slice(1).reduce((sum, value, pixel) => sum + Math.abs(value - map!.data[pixel]!), 0);
    };
    expect(await roughness(300)).toBeLessThan(0.5 * (await roughness(0)));
    images.dispose();
    model.dispose();
  });

  it('refuses a mask finer than the image, and what has no gradient', async () => {
    const model = patchTeacher();
    const {images} = patchBatch(0, 1);
    await expectNoLeak(async () => {
      await expect(meaningfulPerturbation(images, model, {maskSize: 17})).rejects.toThrow(
        'meaningfulPerturbation: maskSize must be at most the image, 16×24',
      );
      await expect(meaningfulPerturbation(images, model, {maskSize: [0, 4]})).rejects.toThrow('meaningfulPerturbation: maskSize');
      await expect(meaningfulPerturbation(images, model, {maskSize: [4, 0]})).rejects.toThrow('meaningfulPerturbation: maskSize');
      await expect(meaningfulPerturbation(images, () => [[1, 0]])).rejects.toThrow(UnsupportedModelError);
      await expect(
        meaningfulPerturbationExplainer(model).explain(images, {seed: 3, batchSize: 2, signal: AbortSignal.abort(new Error('no'))}),
      ).rejects.toThrow('no');
    });
    images.dispose();
    model.dispose();
  });
});
