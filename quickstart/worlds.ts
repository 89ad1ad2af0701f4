/** What the quickstart explains: the pictures and the teacher of the repository, or the caller's own. */
import {join} from 'node:path';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {batchesOf, type DecodedImage, type FitOptions, type PreprocessingName, type TrainingBatches} from '../src/index.js';
import {decodeImage, imageFolder, loadLayersModelFromFiles} from '../src/node/index.js';
import type {QuickstartOptions} from './options.js';
import {classNames, generateShape, seeds} from './shapes.js';

/** A picture that was not trained on. */
export interface UnseenPicture {
  readonly image: DecodedImage;
  /** 1 where the deciding object is, where that is known. */
  readonly evidence?: Uint8Array | undefined;
}

/** A teacher with pictures. */
export interface World {
  readonly model: LayersModel;
  readonly preprocessing: PreprocessingName;
  readonly batches: TrainingBatches;
  readonly unseen: readonly UnseenPicture[];
  readonly className: (target: number) => string;
  readonly training: FitOptions;
}

const UNSEEN = 40;
const BATCH = 16;
const SHAPES = 1024;

/** The procedural pictures of shapes.ts with the teacher that was trained on others of them. */
export async function shapesWorld({seed}: QuickstartOptions): Promise<World> {
  const model = await loadLayersModelFromFiles(join(import.meta.dirname, 'teacher'));
  const pictures = Array.from({length: SHAPES}, (_, index) => generateShape(seeds.validation, index));
  const labels = pictures.map(({label}) => label);
  return {
    model,
    preprocessing: 'tf',
    batches: batchesOf(
      pictures.map(({image}) => image),
      {batchSize: BATCH, seed, labels},
    ),
    unseen: Array.from({length: UNSEEN}, (_, index) => generateShape(seeds.test, index)),
    className: (target) => classNames[target] as string,
    training: {budget: {steps: 384}},
  };
}

/** A model and a folder of photos; a twentieth of the photos, at most 60, is kept for showing. */
export async function ownWorld(options: QuickstartOptions & {teacher: string; images: string}): Promise<World> {
  const {teacher, images, seed, limit, preprocessing} = options;
  const model = await loadLayersModelFromFiles(teacher);
  const [, height, width] = (model.inputs[0] as LayersModel['inputs'][number]).shape;
  if (height == null || width == null)
    throw new RangeError(`The model in ${teacher} leaves its input size open; the quickstart needs a fixed one.`);
  // A folder with its own settings per photo would be an option too many; every photo is squashed.
  const folder = await imageFolder(images, {seed, limit, batchSize: 1, size: [height, width]});
  const pictures: DecodedImage[] = [];
  for (const file of folder.files) pictures.push(await decodeImage(join(images, file), {size: [height, width]}));
  const kept = Math.min(UNSEEN, Math.max(1, Math.floor(pictures.length / 20)));
  if (pictures.length < 40) console.log(`Only ${pictures.length} photos: expect rough maps; a few hundred make good ones.`);
  const training = pictures.slice(kept);
  return {
    model,
    preprocessing: preprocessing as PreprocessingName,
    batches: batchesOf(training, {batchSize: BATCH, seed, flip: true}),
    unseen: pictures.slice(0, kept).map((image) => ({image})),
    className: (target) => `class ${target}`,
    training: {budget: {minutes: 3}},
  };
}
