/** What every explainer has in common, ours included: one shape, and maps that depend on the model. */
import '../helpers/use-wasm.js';
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {scoreCamExplainer} from '../../src/baselines/cam/score-cam.js';
import {integratedGradientsExplainer} from '../../src/baselines/gradient/integrated-gradients.js';
import {meaningfulPerturbationExplainer} from '../../src/baselines/perturbation/meaningful-perturbation.js';
import {occlusionExplainer} from '../../src/baselines/perturbation/occlusion.js';
import {describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  classActivationMapExplainer,
  gradCamExplainer,
  gradientSaliencyExplainer,
  limeExplainer,
  randomExplainer,
  randomizationCheck,
  riseExplainer,
  smoothGradExplainer,
  type Explainer,
} from '../../src/index.js';
import {patience} from '../helpers/environment.js';
import {expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, WIDTH, patchBatch, patchTeacher} from '../helpers/patch-world.js';

const batches = function* (): Generator<{images: Tensor4D}> {
  for (let from = 0; from < 96; from += 16) {
    const {images} = patchBatch(from, 16);
    yield {images};
    images.dispose();
  }
};

const methods: Record<string, (model: LayersModel) => Explainer | Promise<Explainer>> = {
  ours: async (model) => {
    const distiller = await AttentiveDistiller.create({teacher: model, seed: 7});
    await distiller.train(batches, {epochs: {student: 0, explanation: 6}, lambda: 1e-6, learningRate: 2e-3});
    return distiller;
  },
  RISE: (model) => riseExplainer(model, {numMasks: 300, gridSize: 4}),
  LIME: (model) => limeExplainer(model, {numSamples: 200, segmenter: 'grid'}),
  'Grad-CAM': (model) => gradCamExplainer(model, {layer: 'stage_2'}),
  CAM: (model) => classActivationMapExplainer(model),
  'gradient saliency': (model) => gradientSaliencyExplainer(model, {reduce: 'gradient-times-input'}),
  SmoothGrad: (model) => smoothGradExplainer(model, {reduce: 'gradient-times-input', numSamples: 5}),
  'integrated gradients': (model) => integratedGradientsExplainer(model, {numSteps: 4}),
  occlusion: (model) => occlusionExplainer(model, {windowSize: 6, stride: 3}),
  'Score-CAM': (model) => scoreCamExplainer(model, {layer: 'stage_2'}),
  'meaningful perturbation': (model) => meaningfulPerturbationExplainer(model, {numSteps: 8, fill: 'zeros', areaWeight: 0.3}),
};

describe.each(Object.entries(methods))('%s', (_, make) => {
  it('draws another map once all weights are shuffled, and leaks nothing', {timeout: patience / 2}, () =>
    expectNoLeak(async () => {
      const model = patchTeacher();
      const {images} = patchBatch(1000, 3);
      const {steps} = await randomizationCheck(images, make, model, {layers: ['stage_1'], seed: 3});
      expect(steps).toHaveLength(1);
      for (const correlation of steps[0]!.correlations) expect(correlation).toBeLessThan(0.9);
      images.dispose();
      model.dispose();
    }),
  );

  it('gives maps of one shape, at the size of the input', {timeout: patience / 2}, async () => {
    const model = patchTeacher();
    const explainer = await make(model);
    const {images, labels} = patchBatch(1000, 2);
    const maps = await explainer.explain(images, {target: 1, seed: 5, batchSize: 1});
    expect(maps).toHaveLength(labels.length);
    for (const map of maps) {
      expect(map).toMatchObject({height: HEIGHT, width: WIDTH, target: 1});
      expect(map.data).toBeInstanceOf(Float32Array);
      expect(map.data).toHaveLength(HEIGHT * WIDTH);
      expect(map.data.every(Number.isFinite)).toBe(true);
      expect(typeof map.method).toBe('string');
      expect(typeof map.empty).toBe('boolean');
      expect(map.score).toBeGreaterThanOrEqual(0);
      expect(map.score).toBeLessThanOrEqual(1);
    }
    images.dispose();
    (explainer as Partial<AttentiveDistiller>).dispose?.();
    model.dispose();
  });
});

it('random maps depend on the seed and the image, not on the model', async () => {
  const model = patchTeacher();
  const {images} = patchBatch(0, 2);
  const explainer = randomExplainer(model);
  const [first, second] = await explainer.explain(images, {seed: 1});
  const [again] = await explainer.explain(images, {seed: 1});
  const [other] = await explainer.explain(images, {seed: 2});
  expect(again!.data).toEqual(first!.data);
  expect(second!.data).not.toEqual(first!.data);
  expect(other!.data).not.toEqual(first!.data);
  images.dispose();
  model.dispose();
});
