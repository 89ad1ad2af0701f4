/** The local model of LIME: a plane through the scores of the neighbours, the near ones counting more. */
import {at} from '../../core/at.js';
import {selectFeatures, type FeatureSelection} from './feature-selection.js';
import {responseOf, ridge, type Design} from './ridge.js';

/** A class explained in segments. */
export interface LimeFit {
  /** `[segment, weight]`: what the segment adds to the score, the largest |weight| first. */
  readonly coefficients: readonly (readonly [segment: number, weight: number])[];
  /** What the local model predicts when everything is hidden. */
  readonly intercept: number;
  /** Weighted R² of the local model on its samples, at most 1. Low: the weights say little. */
  readonly r2: number;
  /** What the local model predicts for the image itself; far from `score`, it is a poor one. */
  readonly localPrediction: number;
}

/** How the plane is fitted. */
export interface FitSettings {
  readonly numFeatures: number;
  readonly featureSelection: FeatureSelection;
  readonly alpha: number;
}

/**
 * Chooses features and fits a ridge regression on them.
 *
 * @param design One row per sample, the first all ones.
 * @param scores Of one class, one per sample.
 */
export function fitLime(design: Design, scores: ArrayLike<number>, {numFeatures, featureSelection, alpha}: FitSettings): LimeFit {
  const response = responseOf(design, scores);
  const features = selectFeatures(design, response, numFeatures, featureSelection);
  const {coefficients, intercept, r2} = ridge(design, response, alpha, features);
  const pairs = features.map((feature, index) => [feature, at(coefficients, index)] as const);
  return {
    coefficients: pairs.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)),
    intercept,
    r2,
    localPrediction: coefficients.reduce((sum, weight) => sum + weight, intercept),
  };
}
