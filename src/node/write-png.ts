/** Pictures as PNG files. */
import {mkdir} from 'node:fs/promises';
import {basename, dirname} from 'node:path';
import {AttentiveError} from '../core/errors/attentive-error.js';
import type {DecodedImage} from '../core/types.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {toFilePath} from '../files/file-path.js';
import {rgbaOf} from '../render/pixels.js';
import {loadSharp} from './_sharp.js';

/**
 * Writes a picture as a PNG, whole or not at all: it is written beside its place and then moved
 * there. Missing folders are made, a file of that name is replaced.
 *
 * @param file Where the file goes: a path, `file://…` or a URL object.
 * @param image 1, 3 or 4 channels, values 0–255. An alpha channel is kept.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If the length of the data does not fit the size.
 * @throws {AttentiveError} If sharp is not installed, or the file cannot be written.
 */
export async function writePng(file: string | URL, image: DecodedImage): Promise<void> {
  const target = toFilePath(file, 'writePng: file');
  const bytes = await encodePng(image);
  try {
    await mkdir(dirname(target), {recursive: true});
    await writeFileAtomically(dirname(target), basename(target), bytes);
  } catch (cause) {
    throw new AttentiveError(
      `writePng: ${target} cannot be written: ${(cause as Error).message}. Check that it is no folder and may be written.`,
      {cause},
    );
  }
}

async function encodePng(image: DecodedImage): Promise<Uint8Array> {
  const {data, width, height} = rgbaOf('writePng: image', image);
  const hasAlpha = image.data.length === data.length;
  if (hasAlpha) for (let index = 3; index < data.length; index += 4) data[index] = image.data[index] as number;
  const sharp = await loadSharp();
  const raw = sharp(data, {raw: {width, height, channels: 4}});
  return (hasAlpha ? raw : raw.removeAlpha()).png().toBuffer();
}
