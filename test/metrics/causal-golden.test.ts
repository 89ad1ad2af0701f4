import {getBackend, tensor3d, tensor4d, type Tensor3D} from '@tensorflow/tfjs-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {channelValue, resolvePreprocessing} from '../../src/core/preprocessing.js';
import {areaUnderCurve} from '../../src/metrics/of-model/auc.js';
import {blurImages, blurWeights} from '../../src/queries/blur.js';
import {deletionScore} from '../../src/metrics/of-model/deletion-score.js';
import {insertionScore} from '../../src/metrics/of-model/insertion-score.js';
import {rankPixels, type TieRule} from '../../src/metrics/of-map/ranking.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak, type Tolerance} from '../helpers/expect.js';
import {casesWhere, onGpuBackend, patience} from '../helpers/environment.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {golden, hasGolden, type GoldenArray} from '../helpers/golden.js';
import {loadStoredModel, type StoredModel} from '../helpers/stored-model.js';

interface Curve {
  mode: 'deletion' | 'insertion';
  step: number;
  n_steps: number;
  scores: GoldenArray;
  fractions: GoldenArray;
  auc_official: number;
  auc_true_fraction: number;
}

interface Family {
  tolerance: Record<'kernel' | 'blurred' | 'scores' | 'auc_official' | 'auc_true_fraction', Tolerance>;
  kernels: {length: number; sigma: number; kernel: GoldenArray; marginal: GoldenArray; cut_gaussian_differs_by: number}[];
  models: StoredModel[];
  cases: {
    name: string;
    model: number;
    image: GoldenArray;
    saliency: GoldenArray;
    blurred: GoldenArray;
    target: number;
    target_given: boolean;
    orders: {ties: TieRule; order: GoldenArray; curves: Curve[]}[];
  }[];
}

const family = await golden<Family>('causal_metrics');
const {tolerance} = family;
const imageOf = ({shape, values}: GoldenArray): Tensor3D => tensor3d(values as Float32Array, shape as [number, number, number]);
const mapOf = ({shape, values}: GoldenArray) => ({data: values, height: shape[0]!, width: shape[1]!});

describe('stored numbers of insertion and deletion', () => {
  let models: LayersModel[];
  beforeAll(async () => {
    models = await Promise.all(family.models.map(loadStoredModel));
  });
  afterAll(() => models.forEach((model) => model.dispose()));

  it.each(family.kernels)(
    'the blur kernel of length $length, sigma $sigma',
    ({length, sigma, kernel, marginal, cut_gaussian_differs_by}) => {
      const outer = (weights: Float64Array): number[] => [...weights].flatMap((a) => [...weights].map((b) => a * b));
      const weights = blurWeights({length, sigma});
      expectClose(weights, marginal.values, tolerance.kernel, 'marginal');
      expectClose(outer(weights), kernel.values, tolerance.kernel, 'kernel');
      const cut = outer(blurWeights({kernel: 'gaussian', length, sigma}));
      expect(Math.max(...cut.map((value, index) => Math.abs(value - kernel.values[index]!)))).toBeCloseTo(cut_gaussian_differs_by, 5);
    },
  );

  describe.each(family.cases)('$name', ({model, image, saliency, blurred, target, target_given, orders}) => {
    it('blurs', async () => {
      const x = tensor4d(image.values as Float32Array, [1, ...image.shape] as [number, number, number, number]);
      expectClose(await blurImages(x).data(), blurred.values, tolerance.blurred, 'blurred');
    });

    it.each(orders)('ranks with $ties', ({ties, order}) => {
      expect([...rankPixels(saliency.values, ties)]).toEqual([...order.values]);
    });

    const curves = orders.flatMap(({ties, curves: each}) => each.map((curve) => ({...curve, ties})));
    it.each(curves)(
      '$mode in steps of $step, $ties',
      async ({mode, step, n_steps, scores, fractions, auc_official, auc_true_fraction, ties}) => {
        const score = mode === 'deletion' ? deletionScore : insertionScore;
        const x = imageOf(image);
        await expectNoLeak(async () => {
          const options = {stepSize: step, ties, target: target_given ? target : undefined};
          const result = await score(x, mapOf(saliency), models[model]!, options);
          expect(result.target).toBe(target);
          expect(result.curve).toHaveLength(n_steps + 1);
          expectClose(result.curve, scores.values, tolerance.scores, 'scores');
          expectClose(result.fractions, fractions.values, {abs: 1e-12}, 'fractions');
          expectClose([result.auc], [auc_official], tolerance.auc_official, 'official');
          const exact = await score(x, mapOf(saliency), models[model]!, {...options, auc: 'true-fraction'});
          expectClose([exact.auc], [auc_true_fraction], tolerance.auc_true_fraction, 'true fraction');
          expect(areaUnderCurve(scores.values, fractions.values)).toBeCloseTo(auc_official, 9);
          expect(areaUnderCurve(scores.values, fractions.values, 'true-fraction')).toBeCloseTo(auc_true_fraction, 9);
        });
      },
    );
  });
});

interface Photographs {
  model: string;
  images: GoldenArray;
  tolerance: Record<'probs' | 'blurred' | 'scores' | 'auc_official' | 'auc_true_fraction', Tolerance>;
  cases: {
    image: number;
    target: number;
    probabilities: GoldenArray;
    saliency: GoldenArray;
    has_ties: boolean;
    blurred: GoldenArray;
    curves: Curve[];
  }[];
}

describe('stored numbers of a CIFAR-10 ResNet', () => {
  it('insertion and deletion of the stored RISE maps, all images at once', {timeout: patience}, async ({skip}) => {
    if (!(await hasGolden('full_rise_causal'))) skip('The family full_rise_causal holds photographs and is not here (AKD_GOLDENS).');
    const {images, cases: all, tolerance: bounds} = await golden<Photographs>('full_rise_causal');
    const cases = casesWhere(onGpuBackend || getBackend() === 'cpu', all); // some 0.2 s per step there
    const preprocessing = resolvePreprocessing('test', 'torch');
    const size = 32 * 32 * 3;
    const model = (await loadDataModel('resnet20_cifar10')) ?? skip(`There is no resnet20_cifar10 in ${dataFolder} (AKD_DATA).`);
    const teacher = teacherFromLayersModel(model, {preprocessing});
    const inputs = cases.map(({image}) => {
      const pixels = images.values.slice(image * size, (image + 1) * size) as Uint8Array;
      const normalised = Float32Array.from(
        pixels,
        (pixel, at) => (pixel / 255 - channelValue('test', preprocessing.mean, at % 3)) / channelValue('test', preprocessing.std, at % 3),
      );
      return {picture: {data: pixels, width: 32, height: 32}, tensor: tensor3d(normalised, [32, 32, 3])};
    });
    const maps = cases.map(({saliency}) => mapOf(saliency));
    for (const [mode, score] of [
      ['deletion', deletionScore],
      ['insertion', insertionScore],
    ] as const) {
      const step = cases[0]!.curves.find((curve) => curve.mode === mode)!.step;
      const results = await score(
        inputs.map(({tensor}) => tensor),
        maps,
        model,
        {stepSize: step, batchSize: 50},
      );
      const exact = await score(
        inputs.slice(0, 1).map(({picture}) => picture),
        maps.slice(0, 1),
        teacher,
        {stepSize: step, auc: 'true-fraction'},
      );
      results.forEach((result, index) => {
        const expected = cases[index]!.curves.find((curve) => curve.mode === mode)!;
        expect(expected.step).toBe(step);
        expect(result.target).toBe(cases[index]!.target);
        expectClose(result.curve, expected.scores.values, bounds.scores, `${mode} ${index}`);
        expectClose([result.auc], [expected.auc_official], bounds.auc_official, `AUC of ${mode} ${index}`);
        if (index === 0) expectClose([exact[0]!.auc], [expected.auc_true_fraction], bounds.auc_true_fraction, 'of a decoded picture');
      });
    }
    model.dispose();
  });
});
