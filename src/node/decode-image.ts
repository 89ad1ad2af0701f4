/** Decodes JPEG, PNG, WebP, AVIF, GIF and TIFF through the optional package sharp. */
import type sharp from 'sharp';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {absentMeans, either, integer, oneOf, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage} from '../core/types.js';
import {toFilePath} from '../files/file-path.js';
import {loadSharp} from './_sharp.js';

/** Options of {@link decodeImage}. */
export interface DecodeImageOptions {
  /** `[height, width]` to scale to while decoding, which is faster than afterwards. @default the picture's own */
  readonly size?: readonly [number, number] | undefined;
  /**
   * `'squash'` stretches to `size`; `'crop'` keeps the aspect and cuts the centre; `'inside'` keeps the aspect and the whole
   * picture, at most as large as `size` and never enlarged. @default 'squash'
   */
  readonly fit?: 'squash' | 'crop' | 'inside' | undefined;
  /**
   * The colour behind transparent pixels, `[red, green, blue]` in 0–255; `'none'` keeps alpha as a fourth channel, and drops it
   * where the picture is scaled. @default [255, 255, 255]
   */
  readonly background?: readonly [number, number, number] | 'none' | undefined;
  /** The most pixels that a picture may have before it is scaled: a small file can hold a huge one. @default 1e8 */
  readonly maxPixels?: number | undefined;
}

/** The options with their defaults. */
export type DecodeImageSettings = Settled<DecodeImageOptions, 'size'>;

const sharpFits = {squash: 'fill', crop: 'cover', inside: 'inside'} as const;

type Background = readonly [number, number, number] | 'none';

// What decoders and the resize take.
const side = integer(1, 65535);
const level = integer(0, 255);

/** The options of {@link decodeImage}. */
export const decodeImageSchema: OptionsSchema<DecodeImageSettings> = {
  where: 'decodeImage',
  fields: {
    size: absentMeans(tuple<readonly [number, number]>('[height, width], each 1–65535', side, side), "the picture's own"),
    fit: withDefault(oneOf('squash', 'crop', 'inside'), 'squash'),
    background: withDefault<Background, Background>(
      either<Background>(oneOf('none'), tuple<readonly [number, number, number]>('[red, green, blue], each 0–255', level, level, level)),
      [255, 255, 255],
      '[255, 255, 255]',
    ),
    maxPixels: withDefault(integer(1, Number.MAX_SAFE_INTEGER), 1e8, '1e8'),
  },
};

/**
 * Decodes a picture: turned upright by its EXIF orientation, in sRGB, 8 bits.
 *
 * @param source A path, `file://…`, a URL object, or the bytes of a file.
 * @returns `{data, width, height, channels}` with 3 channels; 4 where the file has alpha, `background` is `'none'` and no
 *   `size` is given.
 * @throws {ModelFileError} If the file is missing, damaged, no picture, larger than `maxPixels`, or of a kind that has no one
 *   meaning: floating-point values, more than four channels, drawings (SVG).
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
  {size, fit, background, maxPixels}: DecodeImageSettings,
): Promise<DecodedImage> {
  const isBytes = source instanceof Uint8Array || source instanceof ArrayBuffer;
  const input = isBytes ? source : toFilePath(source, `${where}: source`);
  const decoder = await loadSharp();
  try {
    const limits = {limitInputPixels: maxPixels};
    const metadata = await decoder(input, {limitInputPixels: false}).metadata();
    checkKind(metadata, maxPixels);
    const {hasAlpha} = metadata;
    const asStored = decoder(input, limits).autoOrient().toColourspace('srgb');
    const [r, g, b] = background === 'none' ? [] : background;
    const upright = r === undefined || !hasAlpha ? asStored : asStored.flatten({background: {r, g: g ?? 0, b: b ?? 0}});
    if (size === undefined) return await toImage(upright);
    const [height, width] = size;
    const inside = fit === 'inside';
    const scaling = {height, width, fit: sharpFits[fit], kernel: 'linear', withoutEnlargement: inside} as const;
    if (!hasAlpha || r !== undefined) return await toImage(upright.resize(scaling));
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

/** Refuses what sharp would decode to something else than a picture's colours. */
function checkKind({format, width, height, channels, depth}: sharp.Metadata, maxPixels: number): void {
  if (format === 'svg') throw new Error('it is a drawing (SVG), which has no pixels of its own; export it as PNG');
  if (width * height > maxPixels)
    throw new Error(`it has ${width}×${height} pixels, more than maxPixels (${maxPixels}); raise that option if it is meant`);
  if (depth === 'float' || depth === 'double' || depth === 'complex' || depth === 'dpcomplex')
    throw new Error(`its values are floating-point numbers, whose range it does not say; convert it to 8 or 16 bits`);
  if ((channels as number) > 4) throw new Error(`it has ${show(channels)} channels`);
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
