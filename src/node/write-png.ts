/** Pictures as PNG files. */
import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import type {DecodedImage} from '../core/types.js';
import {toRgba} from '../render/pixels.js';
import {loadSharp} from './_sharp.js';

/**
 * Writes a picture as a PNG, whole or not at all: it is written beside its place and then moved
 * there. Missing folders are made, a file of that name is replaced.
 *
 * @param path Where the file goes.
 * @param image 1, 3 or 4 channels, values 0–255. An alpha channel is kept.
 * @throws {RangeError} If the length of the data does not fit the size.
 * @throws {AttentiveError} If sharp is not installed.
 */
export async function writePng(path: string, image: DecodedImage): Promise<void> {
  const target = resolve(path);
  const bytes = await encodePng(image);
  const unfinished = `${target}.${process.pid}.tmp`;
  await mkdir(dirname(target), {recursive: true});
  try {
    await writeFile(unfinished, bytes);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, {force: true});
    throw error;
  }
}

async function encodePng(image: DecodedImage): Promise<Uint8Array> {
  const {data, width, height} = toRgba(image);
  const hasAlpha = image.data.length === data.length;
  if (hasAlpha) for (let index = 3; index < data.length; index += 4) data[index] = image.data[index] as number;
  const sharp = await loadSharp();
  const raw = sharp(data, {raw: {width, height, channels: 4}});
  return (hasAlpha ? raw : raw.removeAlpha()).png().toBuffer();
}
