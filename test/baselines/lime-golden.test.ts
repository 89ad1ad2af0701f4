import {describe, expect, it} from 'vitest';
import {fitLime} from '../../src/baselines/lime/_fit.js';
import {limeMask} from '../../src/baselines/lime/mask.js';
import {cosineDistance, hideSegments, kernelWeight, meanColours, spreadColours} from '../../src/baselines/lime/_neighbors.js';
import {designOf} from '../../src/baselines/lime/ridge.js';
import {relabelSegments, type Segments} from '../../src/baselines/lime/superpixels/segments.js';
import {expectClose, type Tolerance} from '../helpers/expect.js';
import {golden, type GoldenArray} from '../helpers/golden.js';
import {rowsOf} from '../helpers/rows.js';

interface Explanation {
  label: number;
  intercept: number;
  r2: number;
  local_pred: number;
  features: GoldenArray;
  coefs: GoldenArray;
}

interface Family {
  tolerance: Record<'distances' | 'weights' | 'coef' | 'intercept' | 'r2' | 'local_pred' | 'fudged/perturbed float32', Tolerance>;
  kernel_cases: {width: number; data: GoldenArray; distances: GoldenArray; weights: GoldenArray}[];
  image_cases: {
    name: string;
    hide_color: number | number[] | null;
    image: GoldenArray;
    segments: GoldenArray;
    fudged: GoldenArray;
    rows: GoldenArray;
    perturbed: GoldenArray;
  }[];
  explanation_cases: {
    name: string;
    segments: GoldenArray;
    data: GoldenArray;
    probabilities: GoldenArray;
    runs: {num_features: number; top_labels: number; kernel_width: number; labels: number[]; explanations: Explanation[]}[];
    overlays: {
      label: number;
      positive_only: boolean;
      negative_only: boolean;
      num_features: number;
      min_weight: number;
      mask: GoldenArray;
    }[];
  }[];
}

const {tolerance, ...family} = await golden<Family>('lime');
const segmentsOf = ({shape, values}: GoldenArray): Segments => relabelSegments({labels: values, height: shape[0]!, width: shape[1]!});

describe('stored numbers of LIME', () => {
  it.each(family.kernel_cases)('weighs samples: $data.shape, kernel width $width', ({width, data, distances, weights}) => {
    const found = rowsOf(data).map(cosineDistance);
    expectClose(found, distances.values, tolerance.distances, 'distances');
    expectClose(
      found.map((distance) => kernelWeight(distance, width)),
      weights.values,
      tolerance.weights,
      'weights',
    );
  });

  it.each(family.image_cases)('hides segments: $name', ({hide_color, image, segments, fudged, rows, perturbed}) => {
    const cut = segmentsOf(segments);
    const bytes = image.values instanceof Uint8Array;
    const values = Float32Array.from(image.values);
    const colours =
      hide_color === null
        ? meanColours(values, cut, 3, bytes)
        : Float64Array.from({length: cut.numSegments * 3}, (_, at) => (typeof hide_color === 'number' ? hide_color : hide_color[at % 3]!));
    const baseline = spreadColours(colours, cut);
    const bound = bytes ? {} : tolerance['fudged/perturbed float32'];
    expectClose(hideSegments(values, baseline, cut, [new Uint8Array(cut.numSegments)]), fudged.values, bound, 'all hidden');
    expectClose(hideSegments(values, baseline, cut, rowsOf(rows)), perturbed.values, bound, 'perturbed');
    expect(values).toEqual(Float32Array.from(image.values));
  });

  describe.each(family.explanation_cases)('$name', ({segments, data, probabilities, runs, overlays}) => {
    const rows = rowsOf(data);
    const columnOf = (label: number): number[] => rowsOf(probabilities).map((row) => row[label]!);

    it.each(runs)('$num_features features, kernel width $kernel_width', ({num_features, kernel_width, labels, explanations}) => {
      const design = designOf(
        rows,
        rows.map((row) => kernelWeight(cosineDistance(row), kernel_width)),
      );
      expect(explanations.map(({label}) => label)).toEqual(labels);
      for (const {label, intercept, r2, local_pred, features, coefs} of explanations) {
        const fit = fitLime(design, columnOf(label), {numFeatures: num_features, featureSelection: 'auto', alpha: 1});
        expect(fit.coefficients.map(([segment]) => segment)).toEqual([...features.values]);
        expectClose(
          fit.coefficients.map(([, weight]) => weight),
          coefs.values,
          tolerance.coef,
          'coefficients',
        );
        expectClose([fit.intercept], [intercept], tolerance.intercept, 'intercept');
        expectClose([fit.r2], [r2], tolerance.r2, 'R²');
        expectClose([fit.localPrediction], [local_pred], tolerance.local_pred, 'local prediction');
      }
    });

    it.each(overlays)(
      'marks class $label, positive $positive_only, negative $negative_only',
      ({label, positive_only, negative_only, num_features, min_weight, mask}) => {
        const {features, coefs} = runs[0]!.explanations.find((each) => each.label === label)!;
        const coefficients = [...features.values].map((feature, index) => [feature, coefs.values[index]!] as const);
        const marks = limeMask(
          {coefficients, segments: segmentsOf(segments)},
          {positiveOnly: positive_only, negativeOnly: negative_only, numFeatures: num_features, minWeight: min_weight},
        );
        expect([...marks]).toEqual([...mask.values]);
      },
    );
  });
});
