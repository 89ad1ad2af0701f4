import {describe, expect, it} from 'vitest';
import {selectFeatures, type FeatureSelection} from '../../src/baselines/lime/feature-selection.js';
import {cosineDistance, kernelWeight} from '../../src/baselines/lime/_neighbors.js';
import {designOf, responseOf, ridge} from '../../src/baselines/lime/ridge.js';
import {Random} from '../../src/core/random.js';
import {expectClose, type Tolerance} from '../helpers/expect.js';
import {golden, type GoldenArray} from '../helpers/golden.js';
import {rowsOf} from '../helpers/rows.js';

interface Family {
  tolerance: Record<'coef' | 'intercept' | 'r2' | 'local_pred', Tolerance>;
  ridge_cases: {
    name: string;
    alpha: number;
    x: GoldenArray;
    y: GoldenArray;
    weights: GoldenArray;
    coef: GoldenArray;
    intercept: number;
    r2: number;
    local_pred: number;
  }[];
  selection_cases: {
    name: string;
    data: GoldenArray;
    y: GoldenArray;
    weights: GoldenArray;
    results: {method: string; num_features: number; features: GoldenArray}[];
  }[];
}

const family = await golden<Family>('lime');

describe('weighted ridge regression', () => {
  it.each(family.ridge_cases)('gives the stored numbers: $name', ({x, y, weights, alpha, coef, intercept, r2, local_pred}) => {
    const rows = rowsOf(x);
    const design = designOf(rows, weights.values);
    const fit = ridge(design, responseOf(design, y.values), alpha);
    expectClose(fit.coefficients, coef.values, family.tolerance.coef, 'coefficients');
    expectClose([fit.intercept], [intercept], family.tolerance.intercept, 'intercept');
    expectClose([fit.r2], [r2], family.tolerance.r2, 'R²');
    const predicted = fit.coefficients.reduce((sum, weight, feature) => sum + weight * rows[0]![feature]!, fit.intercept);
    expectClose([predicted], [local_pred], family.tolerance.local_pred, 'local prediction');
  });

  it('gives what scikit-learn 1.9.1 gives for all masks of three segments', () => {
    const rows = ['111', '101', '011', '110', '001', '100', '010', '000'].map((row) => [...row].map(Number));
    const weights = rows.map((row) => kernelWeight(cosineDistance(row), 0.25));
    expectClose(weights, [1, ...Array(3).fill(0.7638468), ...Array(3).fill(0.23953341), 0.00033546], {abs: 1e-8}, 'weights');
    const design = designOf(rows, weights);
    const fit = ridge(
      design,
      responseOf(
        design,
        rows.map(([a, b, c]) => 0.1 + 0.6 * a! - 0.2 * b! + 0.05 * a! * c!),
      ),
      1,
    );
    expectClose(fit.coefficients, [0.29763814, -0.12210071, -0.00286804], {abs: 1e-8}, 'coefficients');
    expectClose([fit.intercept, fit.r2], [0.27884853, 0.73387041], {abs: 1e-8}, 'intercept and R²');
  });

  it('finds a plane exactly without a penalty, whatever the weights', () => {
    const random = new Random(3);
    const rows = Array.from({length: 40}, () => Array.from({length: 4}, () => random.normal()));
    const design = designOf(
      rows,
      rows.map(() => random.next()),
    );
    const fit = ridge(
      design,
      responseOf(
        design,
        rows.map(([a, b, c]) => 5 + 2 * a! - b! + 0.5 * c!),
      ),
      0,
    );
    expectClose(fit.coefficients, [2, -1, 0.5, 0], {abs: 1e-10}, 'coefficients');
    expectClose([fit.intercept, fit.r2], [5, 1], {abs: 1e-10}, 'intercept and R²');
  });

  it('shares the weight between features that repeat each other, and leaves constant ones out', () => {
    const rows = [
      [1, 1, 1, 0.3],
      [0, 0, 1, 0.3],
      [1, 1, 1, 0.3],
      [0, 0, 1, 0.3],
    ];
    const design = designOf(rows, [1, 0.7, 0.3, 0.1]);
    const fit = ridge(design, responseOf(design, [3, 1, 3, 1]), 0);
    expectClose(fit.coefficients, [1, 1, 0, 0], {abs: 1e-9}, 'coefficients');
    expectClose([fit.intercept, fit.r2], [1, 1], {abs: 1e-9}, 'intercept and R²');
  });

  it('knows features that repeat each other also where the weights are large', () => {
    const rows = [
      [1, 1, 0],
      [0, 0, 1],
      [1, 1, 1],
      [0, 0, 0],
    ];
    const design = designOf(rows, [1e9, 0.7e9, 0.3e9, 0.1e9]);
    const fit = ridge(design, responseOf(design, [3, 1, 3, 1]), 0);
    expectClose(fit.coefficients, [1, 1, 0], {abs: 1e-6}, 'coefficients');
  });

  it('says 0 and R² 1 for a response that does not vary', () => {
    const design = designOf(
      [
        [1, 1],
        [0, 1],
        [1, 0],
      ],
      [1, 0.3, 0.123],
    );
    const fit = ridge(design, responseOf(design, [0.1, 0.1, 0.1]), 1);
    expect([...fit.coefficients, fit.intercept, fit.r2]).toEqual([0, 0, 0.1, 1]);
  });
});

describe('selection of features', () => {
  const cases = family.selection_cases.flatMap(({results, ...each}) => results.map((result) => ({...each, ...result})));
  it.each(cases)('$name: $method of $num_features', ({data, y, weights, method, num_features, features}) => {
    const design = designOf(rowsOf(data), weights.values);
    const name = method.replace('_', '-') as FeatureSelection;
    expect(selectFeatures(design, responseOf(design, y.values), num_features, name)).toEqual([...features.values]);
  });
});
