export {selectBackend, type BackendName, type BackendSelection, type SelectBackendOptions, type UnavailableBackend} from './select-backend.js';
export {installTrainingKernels} from './training-kernels.js';
