/** What a worker brings to a plan: the model, the explainers and how images are read. */
import {dispose as disposeTensors, Tensor} from '@tensorflow/tfjs-core';
import {show} from '../../core/check.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import type {Explainer, ImageInput, Model} from '../../core/types.js';
import {decodeImage} from '../decode-image.js';
import {bytesOf} from './plan.js';
import {hashOf} from './store.js';
import type {ShardImage} from './plan.js';

/** The model and the explainers of a plan, opened on this machine. */
export interface ShardParts {
  /** Borrowed. */
  readonly model: Model;
  /** By the names in the plan; for the tasks `compare` and `explain`. Borrowed. */
  readonly explainers?: Readonly<Record<string, Explainer>> | undefined;
  /** Makes an image of a file, whose hash is that of the plan. @default decodeImage */
  readonly decode?: ((bytes: Uint8Array) => ImageInput | Promise<ImageInput>) | undefined;
  /** Reads an image, in place of the file; a tensor is freed when it has been used. @default decodes the file */
  readonly read?: ((image: ShardImage, index: number) => ImageInput | Promise<ImageInput>) | undefined;
}

/** Returns the explainer of a plan. @throws {RangeError} If there is none of that name. */
export function explainerOf({explainers = {}}: ShardParts, method: string): Explainer {
  const explainer = Object.hasOwn(explainers, method) ? explainers[method] : undefined;
  if (explainer !== undefined) return explainer;
  const there = Object.keys(explainers).map(show).join(', ') || 'nothing';
  throw new RangeError(`runShard: parts.explainers must hold those of the plan, but ${show(method)} is not among ${there}.`);
}

/**
 * Reads images and hands them to `work`; tensors among them are freed after it.
 *
 * @throws {AttentiveError} If a file cannot be read, or is another one than when it was planned.
 */
export async function withImages<T>(
  where: string,
  {images, first, read, decode = decodeImage, root}: ReadFrom,
  work: (images: readonly ImageInput[]) => Promise<T>,
): Promise<T> {
  const opened: ImageInput[] = [];
  try {
    for (const [index, image] of images.entries())
      opened.push(await (read?.(image, first + index) ?? decodeAsPlanned(where, image, {decode, root})));
    return await work(opened);
  } finally {
    disposeTensors(opened.filter((each) => each instanceof Tensor));
  }
}

interface ReadFrom extends Pick<ShardParts, 'read' | 'decode'> {
  readonly images: readonly ShardImage[];
  readonly first: number;
  readonly root: string | undefined;
}

async function decodeAsPlanned(
  where: string,
  {source, hash}: ShardImage,
  {decode, root}: {readonly decode: NonNullable<ShardParts['decode']>; readonly root: string | undefined},
): Promise<ImageInput> {
  const bytes = await bytesOf(where, source, root);
  if (hashOf(bytes) === hash) return decode(bytes);
  throw new AttentiveError(`${where}: ${source} is another file than when it was planned (its hash differs). Plan again.`);
}
