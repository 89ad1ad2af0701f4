/**
 * Pictures and tensors to what a network sees. A tensor counts as done; a decoded picture is cut to
 * shape, normalised and resized. Normalising is linear and the resize averages, so their order does
 * not matter; one pass over the bytes does the first.
 */
import {clone, concat, reshape, tensor4d, tidy, Tensor, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkShape, checkSize, show} from '../core/check.js';
import {channelValue, colourOf, resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import type {ImageInput, ImagesInput, Preprocessing} from '../core/types.js';
import {checkDecodedImage} from './decoded-image.js';
import {checkImages} from './image-list.js';
import {fitRegion} from './fit-region.js';
import {isBlob, isPageImage, pagePixels} from './page-image.js';
import {resizeBilinear} from './resize.js';

/** What a network wants to see; a `Teacher` is one. */
export interface NetworkInputSpec {
  /** `[height, width, channels]` of one image. */
  readonly inputShape: readonly [number, number, number];
  /** How pixels in 0–255 become network input; without it only tensors are accepted. */
  readonly preprocessing?: Preprocessing | PreprocessingName | undefined;
}

/**
 * Turns images into network input: `(pixel · scale − mean) / std` after cutting (`'crop'`) or
 * stretching (`'squash'`) to the network's size, bilinear and antialiased.
 *
 * @param images One or several. Tensors `[H,W,C]` or `[N,H,W,C]` are taken as network input and
 *   copied; pictures in 0–255 are converted: alpha is dropped, grey repeated for three channels, RGB
 *   mixed to grey for one (0.299, 0.587, 0.114). Images of a page count as pictures; a `Blob` has to go
 *   through `readImage` first. Arrays may mix both; each entry is one image.
 * @returns `[N,H,W,C]` float32, a new tensor that is the caller's.
 * @throws {TypeError} If an image is neither, or a tensor of whole numbers (raw pixels).
 * @throws {RangeError} If there is none, a shape does not fit, or a picture is malformed.
 * @example
 * const batch = toNetworkInput(imageData, {inputShape: [224, 224, 3], preprocessing: 'tf'});
 */
export function toNetworkInput(images: ImagesInput, spec: NetworkInputSpec): Tensor4D {
  const where = 'toNetworkInput';
  checkImages(where, images);
  const shape: unknown = (spec as Partial<NetworkInputSpec> | undefined)?.inputShape;
  if (!Array.isArray(shape) || shape.length !== 3) {
    throw new TypeError(
      `${where}: spec must be a Teacher or {inputShape: [height, width, channels], preprocessing}, but is ${show(spec)}.`,
    );
  }
  checkSize(`${where}: spec.inputShape`, shape[0], shape[1]);
  checkInteger(`${where}: spec.inputShape[2]`, shape[2], 1);
  return networkInput(where, images, spec);
}

/** As {@link toNetworkInput}, for a caller whose name messages begin with. */
export function networkInput(where: string, images: ImagesInput, spec: NetworkInputSpec): Tensor4D {
  const preprocessing = spec.preprocessing === undefined ? undefined : resolvePreprocessing(where, spec.preprocessing);
  const {inputShape} = spec;
  if (!Array.isArray(images)) return tidy(() => oneInput(`${where}: images`, images as ImageInput, inputShape, preprocessing, null));
  if (images.length === 0) throw new RangeError(`${where}: images must hold at least one image, but is an empty array.`);
  return tidy(() => {
    const each = images.map((image: ImageInput, index) => oneInput(`${where}: images[${index}]`, image, inputShape, preprocessing, 1));
    return each.length === 1 ? (each[0] as Tensor4D) : concat(each, 0);
  });
}

type Shape = NetworkInputSpec['inputShape'];

function oneInput(
  where: string,
  image: ImageInput,
  inputShape: Shape,
  preprocessing: Preprocessing | undefined,
  count: 1 | null,
): Tensor4D {
  if (image instanceof Tensor) return tensorInput(where, image, inputShape, count);
  if (isBlob(image))
    throw new TypeError(`${where} must be a decoded picture, but is a file (${show(image)}): await readImage(file) first.`);
  if (preprocessing === undefined) {
    throw new TypeError(
      `${where} must be a tensor of what the network sees, but is ${show(image)}: a decoded picture needs the teacher's preprocessing, such as {teacher, preprocessing: 'tf'}.`,
    );
  }
  return pictureInput(where, image, inputShape, preprocessing);
}

function tensorInput(where: string, image: Tensor3D | Tensor4D, inputShape: Shape, count: 1 | null): Tensor4D {
  const advice = 'Tensors are taken as they are: resize them, or pass a decoded picture ({data, width, height}) to have it done.';
  const shape = image.rank === 3 ? inputShape : [count, ...inputShape];
  if (image.rank !== 3 && image.rank !== 4) {
    throw new RangeError(
      `${where} must have shape [${inputShape.join(', ')}] or [N, ${inputShape.join(', ')}], but has [${image.shape.join(', ')}]. ${advice}`,
    );
  }
  try {
    checkShape(where, image.shape, shape);
  } catch (error) {
    throw new RangeError(`${(error as Error).message} ${advice}`);
  }
  if (image.shape[0] === 0) throw new RangeError(`${where} must hold at least one image, but has shape [${image.shape.join(', ')}].`);
  if (image.dtype !== 'float32') {
    const hint = 'Raw pixels (browser.fromPixels) have to be normalised first; or pass the ImageData, which is done for you.';
    throw new TypeError(`${where} must be a float32 tensor that is already preprocessed, but is ${image.dtype}. ${hint}`);
  }
  return image.rank === 3 ? reshape(image, [1, ...inputShape]) : (clone(image) as Tensor4D);
}

function pictureInput(where: string, image: unknown, inputShape: Shape, preprocessing: Preprocessing): Tensor4D {
  const {data, width, height, channels} = checkDecodedImage(where, isPageImage(image) ? pagePixels(where, image) : image);
  const [outHeight, outWidth, outChannels] = inputShape;
  if (outChannels !== 1 && outChannels !== 3) {
    throw new RangeError(
      `${where}: a picture has 1 or 3 colours, but the network wants ${show(outChannels)} channels; pass a tensor instead.`,
    );
  }
  const {scale} = preprocessing;
  // value = pixel · factor + offset, per channel of the network.
  const factors = [0, 1, 2].slice(0, outChannels).map((channel) => scale / channelValue(where, preprocessing.std, channel));
  const offsets = factors.map(
    (_, channel) => -channelValue(where, preprocessing.mean, channel) / channelValue(where, preprocessing.std, channel),
  );
  const colours = factors.map((_, channel) => colourOf(preprocessing, channel));
  const region = fitRegion([height, width], [outHeight, outWidth], preprocessing.fit);
  const values = new Float32Array(region.height * region.width * outChannels);
  const mixes = outChannels === 1 && channels !== 1;
  // Channel by channel, with all that one needs in variables of its own: faster by a third than pixel by pixel.
  for (let channel = 0; channel < outChannels; channel++) {
    const [factor, offset] = [factors[channel] as number, offsets[channel] as number];
    const colour = channels === 1 ? 0 : (colours[channel] as number);
    let at = channel;
    for (let row = 0; row < region.height; row++) {
      let from = ((region.top + row) * width + region.left) * channels + colour;
      for (let column = 0; column < region.width; column++, from += channels, at += outChannels) {
        const pixel = mixes ? luma(data, from - colour) : (data[from] as number);
        values[at] = pixel * factor + offset;
      }
    }
  }
  const exact = tensor4d(values, [1, region.height, region.width, outChannels]);
  if (region.height === outHeight && region.width === outWidth) return exact;
  return resizeBilinear(exact, [outHeight, outWidth], {antialias: preprocessing.antialias ?? true});
}

function luma(data: ArrayLike<number>, at: number): number {
  return 0.299 * (data[at] as number) + 0.587 * (data[at + 1] as number) + 0.114 * (data[at + 2] as number);
}
