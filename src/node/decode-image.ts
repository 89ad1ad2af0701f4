/** Decodes JPEG, PNG, WebP, AVIF, GIF and TIFF through the optional package sharp. */
import type sharp from 'sharp';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {absentMeans, integer, oneOf, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage} from '../core/types.js';
import {toFilePath} from '../files/file-path.js';
import {loadSharp} from './_sharp.js';

/** Options of {@link decodeImage}. */
export interface DecodeImageOptions {
  /** `[height, width]` to scale to while decoding, which is faster than afterwards. @default the picture's own */
  readonly size?: readonly [number, number] | undefined;
  /** `'squash'` stretches to `size`; `'crop'` keeps the aspect and cuts the centre. @default 'squash' */
  readonly fit?: 'squash' | 'crop' | undefined;
}

/** The options with their defaults. */
export type DecodeImageSettings = Settled<DecodeImageOptions, 'size'>;

// What decoders and the resize take.
const side = integer(1, 65535);

/** The options of {@link decodeImage}. */
export const decodeImageSchema: OptionsSchema<DecodeImageSettings> = {
  where: 'decodeImage',
  fields: {
    size: absentMeans(tuple<readonly [number, number]>('[height, width], each 1–65535', side, side), "the picture's own"),
    fit: withDefault(oneOf('squash', 'crop'), 'squash'),
  },
};

/**
 * Decodes a picture: turned upright by its EXIF orientation, in sRGB, 8 bits.
 *
 * @param source A path, `file://…`, a URL object, or the bytes of a file.
 * @returns `{data, width, height, channels}` with 3 channels, or 4 where the file has alpha and no
 *   `size` is given (scaling drops it).
 * @throws {ModelFileError} If the file is missing, damaged or no picture.
 * @throws {AttentiveError} If the package sharp is not installed.
 * @throws {TypeError | RangeError} If `source` is none of these, or an option is not allowed.
 * @example
 * const photo = await decodeImage('cat.jpg', {size: [224, 224], fit: 'crop'});
 */
export async function decodeImage(source: string | URL | Uint8Array | ArrayBuffer, options?: DecodeImageOptions): Promise<DecodedImage> {
  return decodeFrom('decodeImage', source, readOptions(decodeImageSchema, options));
}

/** As {@link decodeImage}; `where` names the caller in messages. */
export async function decodeFrom(
  where: string,
  source: string | URL | Uint8Array | ArrayBuffer,
  {size, fit}: DecodeImageSettings,
): Promise<DecodedImage> {
  const isBytes = source instanceof Uint8Array || source instanceof ArrayBuffer;
  const input = isBytes ? source : toFilePath(source, `${where}: source`);
  const decoder = await loadSharp();
  try {
    const upright = decoder(input).autoOrient().toColourspace('srgb');
    if (size === undefined) return await toImage(upright);
    const [height, width] = size;
    const scaling = {height, width, fit: fit === 'crop' ? 'cover' : 'fill', kernel: 'linear'} as const;
    const {hasAlpha} = await decoder(input).metadata();
    if (!hasAlpha) return await toImage(upright.resize(scaling));
    // Scaling would first multiply the colours by alpha, which the network's input does not.
    const {data, info} = await upright.removeAlpha().raw({depth: 'uchar'}).toBuffer({resolveWithObject: true});
    return await toImage(decoder(data, {raw: info}).resize(scaling));
  } catch (cause) {
    const name = isBytes ? `the picture of ${source.byteLength} bytes` : String(input);
    throw new ModelFileError(
      `${where}: ${name} cannot be decoded: ${(cause as Error).message}. Check that it exists and is a complete picture.`,
      {
        cause,
      },
    );
  }
}

async function toImage(pipeline: sharp.Sharp): Promise<DecodedImage> {
  const {data, info} = await pipeline.raw({depth: 'uchar'}).toBuffer({resolveWithObject: true});
  if (info.channels !== 3 && info.channels !== 4) throw new Error(`it has ${show(info.channels)} channels`);
  return {
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    width: info.width,
    height: info.height,
    channels: info.channels,
  };
}
