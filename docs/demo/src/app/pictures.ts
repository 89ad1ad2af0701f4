/** Pictures to be explained: from files, the clipboard, samples or a camera. */
import {readImage, type DecodedImage} from 'attentive-distiller';
import {context2d, h} from './dom.js';
import type {Picture} from './state.js';

/** One sample of public/samples. */
export interface Sample {
  readonly file: string;
  /** The signs in it. */
  readonly shows: readonly string[];
}

/** Longer side of what is kept of a photo: more is neither seen nor looked at by a network. */
const MAX_SIDE = 720;

export async function listSamples(): Promise<readonly Sample[]> {
  const response = await fetch('samples/list.json');
  return (await response.json()) as readonly Sample[];
}

export async function openSample(samples: readonly Sample[], index: number): Promise<Picture> {
  const {file, shows} = samples[index] as Sample;
  const response = await fetch(`samples/${file}`);
  return {name: `the sample with ${shows.join(' and ')}`, image: await readImage(await response.blob()), sample: index};
}

/** @throws {RangeError} If this browser does not decode it. */
export async function openPicture(file: Blob, name: string): Promise<Picture> {
  return {name, image: await shrunk(file)};
}

/** A frame of a video as it is now. */
export async function openFrame(video: HTMLVideoElement): Promise<Picture> {
  return {name: 'the camera', image: await readImage(video)};
}

async function shrunk(file: Blob): Promise<DecodedImage> {
  const image = await readImage(file);
  const scale = MAX_SIDE / Math.max(image.width, image.height);
  if (scale >= 1) return image;
  const canvas = h('canvas', {width: Math.round(image.width * scale), height: Math.round(image.height * scale)});
  const bitmap = await createImageBitmap(new ImageData(new Uint8ClampedArray(image.data), image.width, image.height));
  const context = context2d(canvas);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return readImage(canvas);
}

/** The pictures that an explainer of small signs is distilled on: the squares of one sheet. */
export async function trainingPictures(): Promise<DecodedImage[]> {
  const response = await fetch('samples/training.webp');
  const sheet = await createImageBitmap(await response.blob());
  const side = 64;
  const canvas = h('canvas', {width: sheet.width, height: sheet.height});
  const context = context2d(canvas);
  context.drawImage(sheet, 0, 0);
  sheet.close();
  const pictures: DecodedImage[] = [];
  for (let top = 0; top < canvas.height; top += side)
    for (let left = 0; left < canvas.width; left += side) pictures.push(context.getImageData(left, top, side, side));
  return pictures;
}
