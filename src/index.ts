export * from './baselines/index.js';
export * from './backend/index.js';
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
  DecodedImage,
  Explainer,
  ExplainerOptions,
  ImageInput,
  ImagesInput,
  Preprocessing,
  Progress,
  RunOptions,
  SaliencyMap,
  ScoreFn,
  Scores,
  Target,
  Teacher,
  UnscoredMap,
  WorkerOptions,
} from './core/types.js';
export {VERSION} from './core/version.js';
export {batchesOf, type BatchesOfOptions} from './data/batches-of.js';
export type {BatchSource, TrainingBatch, TrainingBatches} from './data/batches.js';
export {toDisplayPixels} from './data/display-pixels.js';
export {type EpochOptions} from './data/epoch-order.js';
export {toNetworkInput, type NetworkInputSpec} from './data/network-input.js';
export {resizeBilinear, type ResizeOptions} from './data/resize.js';
export {AttentiveDistiller, type DistillerOptions, type TrainOptions} from './distiller/attentive-distiller.js';
export {type EvaluateOptions, type Evaluation} from './distiller/evaluate.js';
export {type ExplainOptions, type MapsOnlyOptions} from './distiller/explain/explain.js';
export {paperTraining, type FitOptions, type PerStage, type Stage} from './distiller/options.js';
export {
  constantSchedule,
  cosineSchedule,
  stepSchedule,
  type LearningRateSchedule,
  type StepScheduleOptions,
} from './distiller/train/schedule.js';
export {type TeacherInput} from './distiller/teacher-input.js';
export {type TrainingProgress, type TrainingSummary} from './distiller/train/train.js';
export * from './layers/index.js';
export * from './losses/index.js';
export * from './metrics/index.js';
export {executeGraph, listLayers, type ExecuteOptions, type LayerInfo, type LayerVisit} from './models/graph/execute-graph.js';
export {explanationDecoder, type ExplanationDecoderOptions} from './models/explanation-decoder.js';
export {residualStudent, type ResidualStudentOptions} from './models/residual-student.js';
export {attentionSites, studentFromTeacher, type AttentionSite, type StudentFromTeacherOptions} from './models/student-from-teacher.js';
export {type Student, type StudentBuilder, type StudentBuilderOptions} from './models/student.js';
export {type BlackBoxModel, type GraphModelLike} from './models/score-model.js';
export {teacherFromLayersModel, type TeacherOptions} from './models/teacher-from-layers-model.js';
export * from './render/index.js';
export {disposeWorkers} from './workers/thread-pool.js';
