export {checkBackend, type BackendReport, type BackendTask, type MissingCapability} from './check-backend.js';
export {
  selectBackend,
  type BackendName,
  type BackendSelection,
  type SelectBackendOptions,
  type UnavailableBackend,
} from './select-backend.js';
export {installTrainingKernels} from '../tfjs/install-training-kernels.js';
