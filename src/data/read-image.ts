/** Files and images of a page as decoded pictures. */
import {show} from '../core/check.js';
import {integer, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage, ImageInput, ImagesInput, PageImage} from '../core/types.js';
import {isBlob, isPageImage, pagePixels} from './page-image.js';

/** A picture as a page gives it. */
export interface PagePicture extends DecodedImage {
  /** Red, green, blue and an alpha of 255. */
  readonly channels: 4;
}

/** Options of {@link readImage}. */
export interface ReadImageOptions {
  /** The colour behind transparent pixels, `[red, green, blue]` in 0–255. @default [255, 255, 255] */
  readonly background?: readonly [number, number, number] | undefined;
}

const level = /* @__PURE__ */ integer(0, 255);

/** The options of {@link readImage}. */
export const readImageSchema: OptionsSchema<Settled<ReadImageOptions>> = /* @__PURE__ */ (() => ({
  where: 'readImage',
  fields: {
    background: withDefault<readonly [number, number, number], readonly [number, number, number]>(
      tuple<readonly [number, number, number]>('[red, green, blue], each 0–255', level, level, level),
      [255, 255, 255],
    ),
  },
}))();

/**
 * Decodes a picture in a browser: a file (`Blob`, `File`: JPEG, PNG, WebP, AVIF, GIF, whatever the browser shows), or an image,
 * canvas, bitmap or video frame of the page, at this moment. Turned upright by its EXIF orientation, in sRGB. Where images are
 * taken, all of these are taken directly; this is for reading one once and using it several times, such as a frame of a video
 * that is explained and then measured.
 *
 * @returns `{data, width, height, channels: 4}`, alpha 255; the caller's.
 * @throws {TypeError} If it is none of these, or comes from another origin that does not share its pixels.
 * @throws {RangeError} If it is not loaded, empty, closed, or no picture.
 * @example
 * const [file] = input.files;
 * const picture = await readImage(file);
 * const [map] = await distiller.explain(picture);
 */
export async function readImage(source: Blob | PageImage, options?: ReadImageOptions): Promise<PagePicture> {
  const {background} = readOptions(readImageSchema, options);
  const where = 'readImage: source';
  if (isBlob(source)) return decodeBlob(where, source, background);
  if (isPageImage(source)) return pagePixels(where, source, background);
  const kinds = 'a Blob or File, or an <img>, canvas, ImageBitmap, <video> or VideoFrame of a page';
  throw new TypeError(`${where} must be ${kinds}, but is ${show(source)}.`);
}

/**
 * Decodes the files among images; everything else stays as it came.
 *
 * @param where Names the argument in messages.
 */
export async function decodeFiles(where: string, images: ImagesInput): Promise<ImagesInput> {
  if (isBlob(images)) return decodeBlob(where, images);
  if (!Array.isArray(images) || !images.some(isBlob)) return images;
  const list = images as readonly ImageInput[];
  return Promise.all(list.map(async (image, index) => (isBlob(image) ? decodeBlob(`${where}[${index}]`, image) : image)));
}

/** As {@link decodeFiles}, and reads the images of a page as they are now: for what looks at an image more than once. */
export async function holdPictures(where: string, images: ImagesInput): Promise<ImagesInput> {
  const decoded = await decodeFiles(where, images);
  if (isPageImage(decoded)) return pagePixels(where, decoded);
  if (!Array.isArray(decoded)) return decoded;
  const list = decoded as readonly ImageInput[];
  return list.map((image, index) => (isPageImage(image) ? pagePixels(`${where}[${index}]`, image) : image));
}

async function decodeBlob(where: string, blob: Blob, background?: readonly [number, number, number]): Promise<PagePicture> {
  if (typeof createImageBitmap !== 'function') {
    throw new TypeError(
      `${where} must be a decoded picture here, but is a Blob: in Node, decodeImage(await blob.arrayBuffer()) gives one.`,
    );
  }
  const bitmap = await createImageBitmap(blob).catch((cause: unknown) => {
    const kind = `${blob.size} bytes${blob.type === '' ? '' : ` of type ${blob.type}`}`;
    throw new RangeError(`${where} must be a picture that this browser decodes, but is a file of ${kind} that it does not.`, {cause});
  });
  try {
    return pagePixels(where, bitmap, background);
  } finally {
    bitmap.close();
  }
}
