export {classLogits} from './class-logits.js';
export {combineLosses, type CombinedLoss, type WeightedLoss} from './combine-losses.js';
export {distillationLoss, type DistillationLossOptions, type DistillationLossParts} from './distillation-loss.js';
export {
  explanationLoss,
  sparsityWeight,
  type ExplanationLossOptions,
  type ExplanationLossParts,
  type LambdaRule,
} from './explanation-loss.js';
export {binaryDivergence} from './class-probabilities.js';
export {klDivergence} from './kl-divergence.js';
export {rankingLoss, type RankingLossOptions, type RankingLossParts} from './ranking-loss.js';
export {rankingMask, standardizeMap, type RankingMaskOptions} from './ranking-mask.js';
