/**
 * The data sets of the paper's tables. A new one is an entry of `paperDatasets`: what it is called in the tables, its classes,
 * its pictures with labels to train on, and those to measure on, which are read as they are needed.
 */
import {batchesOf, type BatchFunction, type DecodedImage} from '../src/index.js';
import {classNames, generateShape, seeds} from '../quickstart/shapes.js';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {dataFolder, loadPictures} from './data.js';
import {paperArchives, type ArchivePlace} from './paper-archives.js';

/** Pictures and their classes. */
export interface Labelled {
  readonly images: DecodedImage[];
  readonly labels: number[];
}

/** How the training pictures are wanted. */
export interface TrainingWishes {
  /** Height and width of the network's input. */
  readonly size: readonly [number, number];
  readonly batchSize: number;
  readonly seed: number;
  /** At most so many; ∞ for all. */
  readonly limit: number;
}

/** A data set. */
export interface PaperDataset {
  /** Its column in the paper's tables; what is not one of them stands beside the ImageNet of the paper. */
  readonly column: PaperColumn;
  /** Names of the classes, in the order of the labels. */
  readonly classNames: readonly string[];
  /** Whether the teacher gets a fresh head and is fine-tuned on it before it is explained. */
  readonly fineTunes: boolean;
  /** The teacher that is taken where none is named. */
  readonly teacher: string;
  /** Batches with labels. */
  training(wishes: TrainingWishes): Promise<BatchFunction>;
  /** How many pictures there are to measure on. */
  readonly numMeasured: number;
  /** The pictures to measure on, from one number up to another. */
  measured(first: number, end: number): Promise<Labelled>;
}

/** The columns of the paper's tables 2 and 4. */
export type PaperColumn = 'ImageNet' | 'CUB-200' | 'Cars' | 'Aircraft V' | 'Aircraft F' | 'Aircraft M';

/** A row of tables 2 and 4 for one data set. */
export interface Published {
  readonly teacher: number;
  readonly student: number;
  /** Insertion and deletion, by method. */
  readonly scores: Readonly<Record<string, readonly [insertion: number, deletion: number]>>;
}

const methods = ['paper, λ 1e-5', 'paper, λ 1e-4', 'RISE', 'LIME', 'Grad-CAM'] as const;

function column(teacher: number, student: number, ...scores: readonly (readonly [number, number])[]): Published {
  return {teacher, student, scores: Object.fromEntries(methods.map((method, index) => [method, scores[index] ?? [NaN, NaN]]))};
}

/** Tables 2 and 4 of Lee & Kim 2021. */
export const published: Readonly<Record<PaperColumn, Published>> = {
  ImageNet: column(0.7615, 0.7371, [0.7049, 0.1211], [0.6517, 0.1211], [0.7335, 0.1077], [0.694, 0.1217], [0.6785, 0.1253]),
  'CUB-200': column(0.8172, 0.84, [0.7136, 0.0757], [0.6895, 0.0659], [0.7461, 0.0588], [0.6531, 0.1287], [0.6982, 0.0805]),
  Cars: column(0.8956, 0.8834, [0.726, 0.0699], [0.7152, 0.078], [0.772, 0.0658], [0.6447, 0.1345], [0.7197, 0.0798]),
  'Aircraft V': column(0.8402, 0.8483, [0.691, 0.0746], [0.6894, 0.0714], [0.7248, 0.0569], [0.5647, 0.1508], [0.6742, 0.074]),
  'Aircraft F': column(0.92, 0.96, [0.7808, 0.1045], [0.7726, 0.0978], [0.8026, 0.0762], [0.6532, 0.1935], [0.748, 0.1049]),
  'Aircraft M': column(0.9394, 0.9512, [0.824, 0.1635], [0.8145, 0.1704], [0.8475, 0.1383], [0.7091, 0.3009], [0.8011, 0.1735]),
};

/** Table 3 of Lee & Kim 2021, on ImageNet with ResNet-50: images per second on a Titan XP, and mean intensity. */
export const publishedSpeed: Readonly<Record<string, readonly [rate: number, intensity: number]>> = {
  'normal inference': [83.3, 1],
  'paper, λ 1e-5': [24.4, 0.189],
  RISE: [0.03, 0.347],
  'Grad-CAM': [34.8, 0.421],
};

/** The data sets by the name that `--dataset` takes; those of the paper get the folder that `--root` names. */
export const paperDatasets: Readonly<Record<string, (place: ArchivePlace) => Promise<PaperDataset>>> = {
  sample: imagenetSample,
  shapes,
  ...paperArchives,
};

/** A thousand photographs of ImageNet's classes to train on, and the first of its validation set. */
async function imagenetSample(): Promise<PaperDataset> {
  const synsets = await readFile(join(dataFolder(), 'images/classic/synset_words.txt'), 'utf8');
  const measured = await loadPictures('ilsvrc-val');
  return {
    column: 'ImageNet',
    classNames: synsets
      .trim()
      .split('\n')
      .map((line) => line.slice(line.indexOf(' ') + 1).split(',')[0] ?? ''),
    fineTunes: false,
    teacher: 'mobilenet_v1_025_128',
    training: async ({batchSize, seed, limit}) => {
      const pictures = await loadPictures('imagenet-sample', limit);
      const labels = pictures.map(({label}) => label);
      return batchesOf(
        pictures.map(({image}) => image),
        {labels, batchSize, seed, flip: true},
      );
    },
    numMeasured: measured.length,
    measured: (first, end) => {
      const part = measured.slice(first, end);
      return Promise.resolve({images: part.map(({image}) => image), labels: part.map(({label}) => label)});
    },
  };
}

const SHAPES = {training: 2000, measured: 1000};

/** The quickstart's pictures: no data set of the paper's, but one without a download, for trying the whole way. */
async function shapes(): Promise<PaperDataset> {
  const drawn = (seed: number, first: number, end: number): Labelled => {
    const pictures = Array.from({length: end - first}, (_, offset) => generateShape(seed, first + offset));
    return {images: pictures.map(({image}) => image), labels: pictures.map(({label}) => label)};
  };
  return Promise.resolve({
    column: 'CUB-200',
    classNames,
    fineTunes: true,
    teacher: 'quickstart',
    training: ({batchSize, seed, limit}) => {
      const {images, labels} = drawn(seeds.train, 0, Math.min(limit, SHAPES.training));
      return Promise.resolve(batchesOf(images, {labels, batchSize, seed}));
    },
    numMeasured: SHAPES.measured,
    measured: (first, end) => Promise.resolve(drawn(seeds.test, first, end)),
  });
}
