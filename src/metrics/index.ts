export {areaUnderCurve, type AucRule} from './of-model/auc.js';
export {blurImages, blurWeights, type BlurOptions} from '../queries/blur.js';
export {type CausalModel, type ModelMeasureOptions} from './of-model/_groups.js';
export {type CausalOptions, type CausalScore} from './of-model/causal-curve.js';
export {compare} from './compare/compare.js';
export {type Measure, type MeasureContext, type MeasureName, type MeasureSettings} from './compare/named-metrics.js';
export {type ComparedImage, type CompareOptions, type ComparisonRow} from './compare/options.js';
export {
  averageConfidenceChange,
  confidenceChange,
  type AverageConfidenceChange,
  type ConfidenceChange,
} from './of-model/confidence-change.js';
export {deletionScore} from './of-model/deletion-score.js';
export {energyInside} from './of-map/energy-inside.js';
export {entropy} from './of-map/entropy.js';
export {evidenceShare, type EvidenceShare} from './of-map/evidence-share.js';
export {formatComparison, type FormatComparisonOptions} from './compare/format-comparison.js';
export {giniSparseness} from './of-map/gini-sparseness.js';
export {insertionScore} from './of-model/insertion-score.js';
export {maxSensitivity, type MaxSensitivity, type MaxSensitivityOptions} from './of-explainer/max-sensitivity.js';
export {meanIntensity} from './of-map/mean-intensity.js';
export {type MeanOf} from './mean-of.js';
export {muFidelity, type MuFidelity, type MuFidelityOptions} from './of-model/mu-fidelity.js';
export {pointingGame, type Pointing, type PointingOptions} from './of-map/pointing-game.js';
export {
  randomisationCheck,
  type RandomisationCheck,
  type RandomisationOptions,
  type RandomisationStep,
} from './of-explainer/randomization-check.js';
export {type Randomisation} from './of-explainer/random-weights.js';
export {rankCorrelation} from './of-map/rank-correlation.js';
export {rankPixels, type TieRule} from './of-map/ranking.js';
export {type MapInput} from './read-map.js';
export {type Box, type PlaneMap, type Region} from './of-map/region.js';
export {type Substrate, type SubstrateRecord} from '../queries/fill.js';
export {topOneAccuracy} from './of-model/top-one-accuracy.js';
