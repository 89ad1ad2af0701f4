/** Decodes JPEG, PNG, WebP, AVIF, GIF and TIFF through the optional package sharp. */
import {absentMeans, either, integer, oneOf, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage} from '../core/types.js';
import {decodeView} from './decode-view.js';

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

type Background = readonly [number, number, number] | 'none';

// What decoders and the resize take.
const side = integer(1, 65535);
const level = integer(0, 255);

/** The options of {@link decodeImage}. */
export const decodeImageSchema: OptionsSchema<Settled<DecodeImageOptions, 'size'>> = {
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
  return (await decodeView('decodeImage', source, readOptions(decodeImageSchema, options))).image;
}
