export {batchesOf, type BatchesOfOptions, type EpochBatches} from './batches-of.js';
export type {BatchFunction, BatchSource, TrainingBatch, TrainingBatches} from './batches.js';
export {toDisplayPixels} from './display-pixels.js';
export {type EpochOptions} from './epoch-order.js';
export {toNetworkInput, type NetworkInputSpec} from './network-input.js';
export {readImage, type PagePicture, type ReadImageOptions} from './read-image.js';
export {resizeBilinear, type ResizeOptions} from './resize.js';
