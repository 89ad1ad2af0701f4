import {add, mul, pow, randomUniform, reshape, sum, tensor2d, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {quadrature} from '../../src/baselines/gradient/quadrature.js';
import {integratedGradients, integratedGradientsExplainer} from '../../src/baselines/gradient/integrated-gradients.js';
import {contrast} from '../../src/core/contrast.js';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import type {Teacher} from '../../src/core/types.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

/** z_c = a_c · Σ x³ + b_c · Σ x: the attribution of a value is a_c (x³ − b³) + b_c (x − b) for a constant baseline b. */
const cubic: Teacher = {
  name: 'cubic',
  inputShape: [3, 4, 2],
  numClasses: 3,
  logits: (x) =>
    tidy(() => {
      const [cubes, plain] = [pow(x, 3), x].map((each) => reshape(sum(each, [1, 2, 3]), [-1, 1]));
      return add(mul(cubes!, tensor2d([[0, 1, -2]])), mul(plain!, tensor2d([[1, 0.5, 0]]))) as Tensor2D;
    }),
};
const image = (): Tensor4D => randomUniform([1, 3, 4, 2], -1, 1, 'float32', 9) as Tensor4D;
const attribution = (x: number, b: number, target: number): number =>
  [0, 1, -2][target]! * (x ** 3 - b ** 3) + [1, 0.5, 0][target]! * (x - b);

describe('integratedGradients', () => {
  it('gives the exact attributions of a polynomial with few nodes', async () => {
    const x = image();
    const values = await x.data();
    const planes = (target: number, b: number): number[] =>
      Array.from({length: 12}, (_, pixel) => attribution(values[2 * pixel]!, b, target) + attribution(values[2 * pixel + 1]!, b, target));
    for (const [fill, b] of [
      ['zeros', 0],
      [0.3, 0.3],
    ] as const) {
      const maps = await integratedGradients(x, cubic, {fill, numSteps: 2, target: [1, 2]});
      maps.forEach((map, index) => {
        expectClose(map.data, planes(index + 1, b), {abs: 2e-5});
        expect(Math.abs(map.convergenceDelta)).toBeLessThan(1e-4);
      });
    }
    const [absolute] = await integratedGradients(x, cubic, {numSteps: 2, target: 1, reduce: 'sum-abs'});
    expectClose(
      absolute!.data,
      Array.from(
        {length: 12},
        (_, pixel) => Math.abs(attribution(values[2 * pixel]!, 0, 1)) + Math.abs(attribution(values[2 * pixel + 1]!, 0, 1)),
      ),
      {abs: 2e-5},
    );
    x.dispose();
  });

  it('says how exact the sum is: a coarse rule has a larger delta, and the attributions add up but for it', async () => {
    const x = image();
    const [coarse] = await integratedGradients(x, cubic, {rule: 'trapezoid', numSteps: 2, target: 1});
    const [fine] = await integratedGradients(x, cubic, {rule: 'midpoint', numSteps: 200, target: 1, batchSize: 37});
    expect(Math.abs(coarse!.convergenceDelta)).toBeGreaterThan(100 * Math.abs(fine!.convergenceDelta));
    const total = (await x.data<'float32'>()).reduce((sum, value) => sum + attribution(value, 0, 1), 0);
    expect(coarse!.data.reduce((sum, value) => sum + value, 0) - coarse!.convergenceDelta).toBeCloseTo(total, 4);
    x.dispose();
  });

  it('explains a contrast: the difference of the two maps', async () => {
    const x = image();
    const [a, b] = await integratedGradients(x, cubic, {target: [1, 2], numSteps: 3});
    const [difference] = await integratedGradients(x, cubic, {target: contrast(1, 2), numSteps: 3});
    expectClose(
      difference!.data,
      a!.data.map((value, pixel) => value - b!.data[pixel]!),
      {abs: 2e-5},
    );
    expect(difference).toMatchObject({
      target: -1,
      method: 'integrated-gradients',
      options: {target: 'function', rule: 'gauss-legendre', fill: 'zeros'},
    });
    x.dispose();
  });

  it('has two sides for one output', async () => {
    const model = sequential({layers: [layers.flatten({inputShape: [3, 4, 2]}), layers.dense({units: 1, activation: 'sigmoid'})]});
    const x = image();
    await expectNoLeak(async () => {
      const [no, yes] = await integratedGradients(x, model, {target: [0, 1], numSteps: 2});
      expectClose(
        no!.data,
        yes!.data.map((value) => -value),
        {abs: 1e-6},
      );
    });
    x.dispose();
    model.dispose();
  });

  it('refuses what has no gradient, by name', async () => {
    const x = image();
    await expect(integratedGradients(x, () => [[1, 0]])).rejects.toThrow(UnsupportedModelError);
    expect(() => integratedGradientsExplainer(cubic, {steps: 3} as object)).toThrow("integratedGradients: there is no option 'steps'");
    x.dispose();
  });
});

describe('quadrature', () => {
  it.each(['gauss-legendre', 'midpoint', 'trapezoid'] as const)('%s has weights that sum to 1, at rising positions', (rule) => {
    for (const n of [1, 2, 5, 50]) {
      const nodes = quadrature(rule, n);
      expect(nodes).toHaveLength(n);
      expect(nodes.reduce((sum, {weight}) => sum + weight, 0)).toBeCloseTo(1, 12);
      for (const [index, {position}] of nodes.entries())
        expect(position).toBeGreaterThan(index === 0 ? -1e-12 : nodes[index - 1]!.position);
    }
  });

  it('is exact up to degree 2n − 1 with the nodes of Gauss and Legendre', () => {
    for (const n of [1, 2, 3, 7]) {
      for (let degree = 0; degree < 2 * n; degree++) {
        expect(quadrature('gauss-legendre', n).reduce((sum, {position, weight}) => sum + weight * position ** degree, 0)).toBeCloseTo(
          1 / (degree + 1),
          12,
        );
      }
    }
  });
});
