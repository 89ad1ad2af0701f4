/** The paper's four data sets, from the archives of their authors, as the tables want them. */
import {cub200, fgvcAircraft, imageNet, stanfordCars, type DataSet, type DataSetOptions} from '../src/node/index.js';
import {pictureCursor} from './picture-cursor.js';
import type {PaperColumn, PaperDataset, TrainingWishes} from './paper-data.js';

/** Where an archive is, and whether a part of it suffices. */
export interface ArchivePlace {
  readonly root: string | undefined;
  readonly partial: boolean;
}

/** A data set and the splits that the paper trains and measures on. */
interface Archive {
  readonly column: PaperColumn;
  readonly fineTunes: boolean;
  readonly train: (root: string, options: DataSetOptions) => Promise<DataSet>;
  readonly test: (root: string, options: DataSetOptions) => Promise<DataSet>;
}

const aircraft = (column: PaperColumn, level: 'variant' | 'family' | 'manufacturer'): Archive => ({
  column,
  fineTunes: true,
  train: (root, options) => fgvcAircraft(root, {...options, split: 'trainval', level}),
  test: (root, options) => fgvcAircraft(root, {...options, split: 'test', level}),
});

const archives: Readonly<Record<string, Archive>> = {
  imagenet: {
    column: 'ImageNet',
    fineTunes: false,
    train: (root, options) => imageNet(root, {...options, split: 'train'}),
    test: (root, options) => imageNet(root, {...options, split: 'val'}),
  },
  cub200: {
    column: 'CUB-200',
    fineTunes: true,
    train: (root, options) => cub200(root, {...options, split: 'train'}),
    test: (root, options) => cub200(root, {...options, split: 'test'}),
  },
  cars: {
    column: 'Cars',
    fineTunes: true,
    train: (root, options) => stanfordCars(root, {...options, split: 'train'}),
    test: (root, options) => stanfordCars(root, {...options, split: 'test'}),
  },
  'aircraft-variant': aircraft('Aircraft V', 'variant'),
  'aircraft-family': aircraft('Aircraft F', 'family'),
  'aircraft-manufacturer': aircraft('Aircraft M', 'manufacturer'),
};

// Which pictures are measured first is drawn once for all runs: the lists go class by class.
const ORDER_SEED = 2021;

/** The data sets by the name that `--dataset` takes. */
export const paperArchives: Readonly<Record<string, (place: ArchivePlace) => Promise<PaperDataset>>> = Object.fromEntries(
  Object.entries(archives).map(([name, archive]) => [name, (place: ArchivePlace) => opened(name, archive, place)]),
);

async function opened(name: string, {column, fineTunes, train, test}: Archive, {root, partial}: ArchivePlace): Promise<PaperDataset> {
  if (root === undefined) throw new RangeError(`--dataset ${name} needs --root, the folder of its archive.`);
  const complete = !partial;
  const held = await test(root, {complete, shuffle: true, seed: ORDER_SEED, batchSize: 1, prefetch: 8});
  return {
    column,
    classNames: held.classNames,
    fineTunes,
    teacher: 'mobilenet_v1_025_128',
    training: ({size, batchSize, seed, limit}: TrainingWishes) =>
      train(root, {complete, size, batchSize, seed, flip: true, ...(Number.isFinite(limit) && {limit})}),
    numMeasured: held.length,
    measured: pictureCursor(held),
  };
}
