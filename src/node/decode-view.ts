/**
 * One view of a picture: which part of it is shown, mirrored or not, and scaled to what size. All of it is done by
 * sharp on threads of its own (those of libuv), so that nothing but the call itself is left to the calling thread.
 */
import type sharp from 'sharp';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import type {DecodedImage} from '../core/types.js';
import type {Region} from '../data/fit-region.js';
import {toFilePath} from '../files/file-path.js';
import {loadSharp} from './_sharp.js';

/** The options of `decodeImage` with their defaults. */
export interface DecodeSettings {
  readonly size: readonly [number, number] | undefined;
  readonly fit: 'squash' | 'crop' | 'inside';
  readonly background: readonly [number, number, number] | 'none';
  readonly maxPixels: number;
}

const sharpFits = {squash: 'fill', crop: 'cover', inside: 'inside'} as const;

/** What is shown of a picture. */
export interface View {
  /** Turns the picture upright by its EXIF orientation; otherwise it is taken as it is stored. @default true */
  readonly upright?: boolean | undefined;
  /** Chooses the part, in whole pixels, of a picture of this size; nothing: all of it, or what `fit` leaves. */
  readonly partOf?: ((height: number, width: number) => Region | undefined) | undefined;
  /** Exchanges left and right. @default false */
  readonly mirrored?: boolean | undefined;
}

/** A decoded picture, and what of the file it shows. */
export interface DecodedView {
  readonly image: DecodedImage;
  /** The whole picture's size. */
  readonly height: number;
  readonly width: number;
  /** The part that `image` shows, in pixels of the whole picture, before mirroring. */
  readonly part: Region;
}

/**
 * Decodes a view of a picture, in sRGB, 8 bits.
 *
 * @param where Names the caller in messages.
 * @throws {ModelFileError} If the picture cannot be decoded.
 * @throws {AttentiveError} If the package sharp is not installed.
 */
export async function decodeView(
  where: string,
  source: string | URL | Uint8Array | ArrayBuffer,
  {size, fit, background, maxPixels}: DecodeSettings,
  {upright = true, partOf, mirrored = false}: View = {},
): Promise<DecodedView> {
  const isBytes = source instanceof Uint8Array || source instanceof ArrayBuffer;
  const input = isBytes ? source : toFilePath(source, `${where}: source`);
  const decoder = await loadSharp();
  try {
    const limits = {limitInputPixels: maxPixels};
    const metadata = await decoder(input, {limitInputPixels: false}).metadata();
    checkKind(metadata, maxPixels);
    // Orientations from 5 on lay the picture on its side.
    const turned = upright && (metadata.orientation ?? 1) >= 5;
    const [height, width] = turned ? [metadata.width, metadata.height] : [metadata.height, metadata.width];
    const {hasAlpha} = metadata;
    const chosen = partOf?.(height, width);
    const oriented = upright ? decoder(input, limits).autoOrient() : decoder(input, limits);
    const asStored = (chosen === undefined ? oriented : oriented.extract(chosen)).toColourspace('srgb');
    const [r, g, b] = background === 'none' ? [] : background;
    const opaque = r === undefined || !hasAlpha ? asStored : asStored.flatten({background: {r, g: g ?? 0, b: b ?? 0}});
    const finish = async (pipeline: sharp.Sharp): Promise<DecodedView> => ({
      image: await toImage(mirrored ? pipeline.flop() : pipeline),
      height,
      width,
      part: chosen ?? shownBy(fit, [height, width], size),
    });
    if (size === undefined) return await finish(opaque);
    const scaling = {
      height: size[0],
      width: size[1],
      // The part has been cut to the aspect of `size`.
      fit: chosen !== undefined && fit === 'crop' ? 'fill' : sharpFits[fit],
      kernel: 'linear',
      withoutEnlargement: fit === 'inside',
    } as const;
    if (!hasAlpha || r !== undefined) return await finish(opaque.resize(scaling));
    // Scaling would first multiply the colours by alpha, which the network's input does not.
    const {data, info} = await opaque.removeAlpha().raw({depth: 'uchar'}).toBuffer({resolveWithObject: true});
    return await finish(decoder(data, {raw: info}).resize(scaling));
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

/** What a resize to `size` shows: all, or with `'crop'` the largest centred part of the same aspect, here not rounded. */
function shownBy(fit: DecodeSettings['fit'], [height, width]: readonly [number, number], size: DecodeSettings['size']): Region {
  if (size === undefined || fit !== 'crop') return {top: 0, left: 0, height, width};
  const scale = Math.min(height / size[0], width / size[1]);
  const shown = {height: size[0] * scale, width: size[1] * scale};
  return {top: (height - shown.height) / 2, left: (width - shown.width) / 2, ...shown};
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
