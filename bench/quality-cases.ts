/** The real teachers of the quality bench, with what they are trained and measured on. */
import type {Budget, DecodedImage, Preprocessing, Region} from '../src/index.js';
import {resolvePreprocessing} from '../src/core/preprocessing.js';
import {loadCifar, loadPictures} from './data.js';

/** Pictures to measure on. */
export interface Measured {
  readonly images: DecodedImage[];
  /** Boxes around the object, where they are known. */
  readonly regions: Region[] | undefined;
}

/** A teacher with its pictures. */
export interface QualityCase {
  readonly preprocessing: Preprocessing;
  readonly batchSize: number;
  /** How long the explainer in bench/explainers was trained; all else are the defaults. */
  readonly budget: Budget;
  /** Pictures that every method explains, and those that the slow ones do. */
  readonly images: number;
  readonly slow: number;
  training(): Promise<DecodedImage[]>;
  measured(images: number): Promise<Measured>;
}

// The teachers were measured with TensorFlow's bilinear resize, which does not average.
const ofMobileNet: Preprocessing = {...resolvePreprocessing('bench', 'tf'), antialias: false};
const ofDenseNet: Preprocessing = {...resolvePreprocessing('bench', 'torch'), antialias: false};

const photographs = {
  training: async (): Promise<DecodedImage[]> => (await loadPictures('imagenet-sample')).map(({image}) => image),
  measured: async (images: number): Promise<Measured> => {
    const pictures = await loadPictures('ilsvrc-val', images);
    return {images: pictures.map(({image}) => image), regions: pictures.map(({boxes}) => boxes)};
  },
};

// The last pictures are kept for measuring.
const KEPT = 500;

/** The teachers by name. */
export const qualityCases: Readonly<Record<string, QualityCase>> = {
  mobilenet_v1_025_128: {...photographs, preprocessing: ofMobileNet, batchSize: 32, budget: {steps: 4800}, images: 200, slow: 60},
  mobilenet_v2_100_224: {...photographs, preprocessing: ofMobileNet, batchSize: 16, budget: {steps: 1050}, images: 200, slow: 30},
  resnet20_cifar10: {
    preprocessing: resolvePreprocessing('bench', 'torch'),
    batchSize: 32,
    budget: {steps: 1600},
    images: 200,
    slow: 60,
    training: async () => (await loadCifar()).slice(0, -KEPT),
    measured: async (images) => ({images: (await loadCifar()).slice(-KEPT).slice(0, images), regions: undefined}),
  },
  densenet121_224: {...photographs, preprocessing: ofDenseNet, batchSize: 8, budget: {steps: 100}, images: 60, slow: 5},
};
