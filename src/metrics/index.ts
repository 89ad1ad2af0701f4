export {compare} from './compare/compare.js';
export {formatComparison, type FormatComparisonOptions} from './compare/format-comparison.js';
export {
  type CausalMetric,
  type CausalMetricOptions,
  type CausalName,
  type Metric,
  type MetricContext,
  type MetricCurve,
  type MetricName,
  type MetricSettings,
} from './compare/named-metrics.js';
export {type ComparedImage, type CompareOptions, type ComparisonRow} from './compare/options.js';
export {pairedDifferences, type PairedDifference, type PairedDifferencesOptions} from './compare/paired-differences.js';
export {type MeanOf} from './mean-of.js';
export {maxSensitivity, type MaxSensitivity, type MaxSensitivityOptions} from './of-explainer/max-sensitivity.js';
export {type Randomization} from './of-explainer/random-weights.js';
export {
  randomizationCheck,
  type RandomizationCheck,
  type RandomizationOptions,
  type RandomizationStep,
} from './of-explainer/randomization-check.js';
export {energyInside} from './of-map/energy-inside.js';
export {entropy} from './of-map/entropy.js';
export {evidenceShare, type EvidenceShare} from './of-map/evidence-share.js';
export {giniSparseness} from './of-map/gini-sparseness.js';
export {type ValuesOfMap} from './of-map/map-values.js';
export {meanIntensity} from './of-map/mean-intensity.js';
export {pointingGame, type Pointing, type PointingOptions} from './of-map/pointing-game.js';
export {rankCorrelation} from './of-map/rank-correlation.js';
export {rankPixels, type TieRule} from './of-map/ranking.js';
export {type Box, type PlaneMap, type Region} from './of-map/region.js';
export {areaUnderCurve, type AucRule} from './of-model/auc.js';
export {defaultStepSize, type CausalFill, type CausalOptions, type CausalScore} from './of-model/causal-curve.js';
export {
  averageConfidenceChange,
  confidenceChange,
  type AverageConfidenceChange,
  type ConfidenceChange,
} from './of-model/confidence-change.js';
export {deletionScore} from './of-model/deletion-score.js';
export {type ModelMetricOptions} from './of-model/groups.js';
export {insertionScore} from './of-model/insertion-score.js';
export {muFidelity, type MuFidelity, type MuFidelityOptions} from './of-model/mu-fidelity.js';
export {symmetricRelevanceGain, type SymmetricRelevanceGain} from './of-model/symmetric-relevance-gain.js';
export {topOneAccuracy} from './of-model/top-one-accuracy.js';
export {type MapInput} from './read-map.js';
export {blurImages, blurWeights, type BlurOptions} from '../queries/blur.js';
export {type Fill} from '../queries/fill.js';
