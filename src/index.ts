// What most users need; parts and primitives come from the sub-paths (layers, losses, models, data, metrics, baselines, render).
export {checkBackend, type BackendReport, type BackendTask, type MissingCapability} from './backend/check-backend.js';
export {
  selectBackend,
  type BackendName,
  type BackendSelection,
  type SelectBackendOptions,
  type UnavailableBackend,
} from './backend/select-backend.js';
export {classActivationMap, classActivationMapExplainer, type ClassActivationMapOptions} from './baselines/cam/class-activation-map.js';
export {gradCam, gradCamExplainer, type GradCamOptions} from './baselines/cam/grad-cam.js';
export {scoreCam, scoreCamExplainer, type ScoreCamOptions} from './baselines/cam/score-cam.js';
export {gradientSaliency, gradientSaliencyExplainer, type GradientSaliencyOptions} from './baselines/gradient/gradient-saliency.js';
export {
  integratedGradients,
  integratedGradientsExplainer,
  type IntegratedGradientsMap,
  type IntegratedGradientsOptions,
} from './baselines/gradient/integrated-gradients.js';
export {smoothGrad, smoothGradExplainer, type SmoothGradOptions} from './baselines/gradient/smooth-grad.js';
export {lime, limeExplainer, type LimeMap} from './baselines/lime/lime.js';
export {type LimeOptions} from './baselines/lime/options.js';
export {
  meaningfulPerturbation,
  meaningfulPerturbationExplainer,
  type MeaningfulPerturbationOptions,
} from './baselines/perturbation/meaningful-perturbation.js';
export {occlusion, occlusionExplainer, type OcclusionOptions} from './baselines/perturbation/occlusion.js';
export {randomExplainer, type RandomExplainerOptions} from './baselines/random/random-explainer.js';
export {randomMap, type RandomMapOptions} from './baselines/random/random-map.js';
export {type RiseOptions} from './baselines/rise/options.js';
export {rise, riseExplainer, type RiseMap} from './baselines/rise/rise.js';
export {contrast} from './core/contrast.js';
export {AttentiveError} from './core/errors/attentive-error.js';
export {BackendError} from './core/errors/backend-error.js';
export {DisposedError} from './core/errors/disposed-error.js';
export {FlatMapError} from './core/errors/flat-map-error.js';
export {LayerNotFoundError} from './core/errors/layer-not-found-error.js';
export {ModelFileError} from './core/errors/model-file-error.js';
export {NonFiniteLossError} from './core/errors/non-finite-loss-error.js';
export {UnsupportedModelError} from './core/errors/unsupported-model-error.js';
export {WorkerError} from './core/errors/worker-error.js';
export {type PreprocessingName} from './core/preprocessing.js';
export type {
  BatchOptions,
  ClassKind,
  DecodedImage,
  Explainer,
  ExplainerOptions,
  GraphModelLike,
  ImageInput,
  ImagesInput,
  Model,
  PageImage,
  PictureInput,
  Preprocessing,
  Progress,
  RunOptions,
  SaliencyMap,
  ScoreFn,
  Scores,
  SeedOptions,
  SingleTarget,
  Target,
  TargetFn,
  Teacher,
  UnscoredMap,
  WorkerOptions,
} from './core/types.js';
export {VERSION} from './core/version.js';
export {batchesOf, type BatchesOfOptions, type EpochBatches} from './data/batches-of.js';
export type {BatchFunction, BatchSource, TrainingBatch, TrainingBatches} from './data/batches.js';
export {toNetworkInput, type NetworkInputSpec} from './data/network-input.js';
export {readImage, type PagePicture, type ReadImageOptions} from './data/read-image.js';
export {AttentiveDistiller} from './distiller/attentive-distiller.js';
export {paperMethod, type DistillerOptions} from './distiller/create.js';
export {type MethodOptions} from './distiller/method.js';
export {type EvaluateOptions, type Evaluation} from './distiller/evaluate.js';
export {type ExplainOptions, type MapsOnlyOptions} from './distiller/explain/explain.js';
export {fineTune} from './distiller/fine-tune/fine-tune.js';
export {type FineTuneOptions} from './distiller/fine-tune/options.js';
export {type FineTuned, type FineTuneProgress} from './distiller/fine-tune/progress.js';
export {type CheckpointOptions} from './distiller/checkpoint-options.js';
export {paperTraining, type FitOptions, type PerStage, type StageValues, type TrainOptions} from './distiller/options.js';
export type {Budget} from './distiller/stage-length.js';
export {type Stage, type StepProgress, type TrainingProgress, type TrainingSummary} from './distiller/progress.js';
export {constantSchedule, cosineSchedule, stepSchedule, type LearningRateSchedule, type StepScheduleOptions} from './distiller/schedule.js';
export {type TeacherInput} from './distiller/teacher-input.js';
export {AttentionDelta} from './layers/attention-delta.js';
export {CBAM} from './layers/cbam.js';
export {registerLayers} from './layers/register-layers.js';
export {UpsampleBlock, type BorderMode} from './layers/upsample-block.js';
export {distillationLoss} from './losses/distillation-loss.js';
export {explanationLoss} from './losses/explanation-loss.js';
export {compare} from './metrics/compare/compare.js';
export {formatComparison, type FormatComparisonOptions} from './metrics/compare/format-comparison.js';
export {
  type CausalMetric,
  type CausalMetricOptions,
  type CausalName,
  type Metric,
  type MetricContext,
  type MetricCurve,
  type MetricName,
  type MetricSettings,
} from './metrics/compare/named-metrics.js';
export {type ComparedImage, type CompareOptions, type ComparisonRow} from './metrics/compare/options.js';
export {pairedDifferences, type PairedDifference, type PairedDifferencesOptions} from './metrics/compare/paired-differences.js';
export {maxSensitivity, type MaxSensitivity, type MaxSensitivityOptions} from './metrics/of-explainer/max-sensitivity.js';
export {randomizationCheck, type RandomizationCheck, type RandomizationOptions} from './metrics/of-explainer/randomization-check.js';
export {energyInside} from './metrics/of-map/energy-inside.js';
export {type EvidenceShare} from './metrics/of-map/evidence-share.js';
export {pointingGame, type Pointing, type PointingOptions} from './metrics/of-map/pointing-game.js';
export {type Box, type Region} from './metrics/of-map/region.js';
export {type CausalFill, type CausalOptions, type CausalScore} from './metrics/of-model/causal-curve.js';
export {averageConfidenceChange, confidenceChange, type ConfidenceChange} from './metrics/of-model/confidence-change.js';
export {deletionScore} from './metrics/of-model/deletion-score.js';
export {type ModelMetricOptions} from './metrics/of-model/groups.js';
export {insertionScore} from './metrics/of-model/insertion-score.js';
export {muFidelity, type MuFidelity, type MuFidelityOptions} from './metrics/of-model/mu-fidelity.js';
export {symmetricRelevanceGain, type SymmetricRelevanceGain} from './metrics/of-model/symmetric-relevance-gain.js';
export {type MapInput} from './metrics/read-map.js';
export {listLayers, type LayerInfo} from './models/graph/execute-graph.js';
export {residualStudent, type ResidualStudentOptions} from './models/students/residual-student.js';
export {studentFromModel, type StudentFromModelOptions} from './models/students/student-from-model.js';
export {studentFromTeacher, type StudentFromTeacherOptions} from './models/students/student-from-teacher.js';
export {type Student, type StudentBuilder} from './models/students/student.js';
export {describeTeacher, type TeacherDescription} from './models/describe-teacher.js';
export {teacherFromScores, type ScoresTeacherOptions} from './models/black-box.js';
export {scoresFromLabels, scoresFromOnnx, type LabelScore, type OnnxScoresOptions} from './models/score-adapters.js';
export {loadTeacher, type LoadedTeacher, type LoadTeacherOptions} from './models/load-teacher.js';
export {teacherFromGraphModel, type GraphTeacherOptions} from './models/teacher-from-graph-model.js';
export {teacherFromLayersModel, type TeacherOptions} from './models/teacher-from-layers-model.js';
export {type Fill} from './queries/fill.js';
export {type BaselineKind} from './queries/random-baselines.js';
export {colorize, type ColorizeOptions} from './render/colorize.js';
export {draw, type DrawOptions} from './render/draw.js';
export {maskImage, type MaskImageOptions} from './render/mask-image.js';
export {overlay, type OverlayOptions} from './render/overlay.js';
export {type RgbaImage} from './render/pixels.js';
export {explainReport} from './report/explain-report.js';
export {type PicturesOptions, type ReportOptions} from './report/options.js';
export {installTrainingKernels} from './tfjs/install-training-kernels.js';
export {disposeWorkers} from './workers/thread-pool.js';
