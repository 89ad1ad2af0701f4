/** Decodes pictures some at a time, the next ones while the last ones are worked on. */
import {importOptional, importReason} from '../core/import-optional.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import type {DecodedImage} from '../core/types.js';
import {decodeImage} from '../node/decode-image.js';
import {CommandError, exitCodes} from './exit-code.js';
import type {FoundPicture} from './find-pictures.js';
import type {LeftOut} from './terminal.js';

/** A picture with its pixels. */
export interface ReadPicture {
  readonly picture: FoundPicture;
  readonly image: DecodedImage;
}

/** How pictures are read. */
export interface ReadOptions {
  /** How many at a time. */
  readonly batchSize: number;
  /** A longer side is scaled down to so many pixels. */
  readonly maxSide: number;
  /** Whether one that cannot be read ends everything. */
  readonly strict: boolean;
  /** Gets those that cannot be read. */
  readonly leftOut: LeftOut;
  readonly signal: AbortSignal;
}

/** Checks that pictures can be read and written at all. @throws {CommandError} If not: exit code 1. */
export async function checkSharp(): Promise<void> {
  try {
    await importOptional('sharp');
  } catch (cause) {
    throw new CommandError(
      `${importReason('sharp', cause)} Photos are read and written with it. Install it beside attentive-distiller; or without installing anything: npx -p attentive-distiller -p sharp attentive-distiller …`,
      exitCodes.failed,
      {cause},
    );
  }
}

/**
 * Yields the pictures that can be read, in order, a batch at a time; a batch may be empty.
 *
 * @throws {CommandError} If one cannot be read and `strict` is set.
 */
export async function* readPictures(
  pictures: readonly FoundPicture[],
  {batchSize, maxSide, strict, leftOut, signal}: ReadOptions,
): AsyncGenerator<ReadPicture[], void, undefined> {
  const decode = async (picture: FoundPicture): Promise<ReadPicture | undefined> => {
    try {
      return {picture, image: await decodeImage(picture.path, {size: [maxSide, maxSide], fit: 'inside'})};
    } catch (error) {
      if (!(error instanceof ModelFileError)) throw error;
      if (strict) throw new CommandError(error.message, exitCodes.failed, {cause: error});
      leftOut.add(picture.file, error);
      return undefined;
    }
  };
  const load = async (first: number): Promise<ReadPicture[]> =>
    (await Promise.all(pictures.slice(first, first + batchSize).map(decode))).filter((each) => each !== undefined);
  let next = load(0);
  for (let first = 0; first < pictures.length; first += batchSize) {
    signal.throwIfAborted();
    const batch = await next;
    next = load(first + batchSize);
    next.catch(() => undefined); // Reported when it is awaited.
    yield batch;
  }
}
