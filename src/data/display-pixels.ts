/** The way back from network input to a picture that can be shown. */
import type {Tensor, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {checkShape, show} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import {channelValue, colourOf, resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import type {DecodedImage, Preprocessing} from '../core/types.js';

/**
 * Undoes the preprocessing: `pixel = (value · std + mean) / scale`, rounded and clipped to 0–255.
 *
 * @param image `[H,W,C]` or `[1,H,W,C]` with C = 1 or 3, as the network sees it.
 * @returns The picture, with as many channels as the tensor.
 * @throws {RangeError} If the shape is another, `scale` is 0, or a value is not finite.
 */
export async function toDisplayPixels(image: Tensor3D | Tensor4D, preprocessing: Preprocessing | PreprocessingName): Promise<DecodedImage> {
  const where = 'toDisplayPixels';
  const resolved = resolvePreprocessing(where, preprocessing);
  const {scale, mean, std} = resolved;
  if (scale === 0) throw new RangeError(`${where}: preprocessing.scale must not be 0, which cannot be undone.`);
  const shape = checkTensor<Tensor>(`${where}: image`, image).shape as readonly number[];
  checkShape(`${where}: image`, shape, shape.length === 4 ? [1, null, null, null] : [null, null, null]);
  const [height, width, channels] = shape.slice(-3) as [number, number, number];
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(`${where}: image must have 1 or 3 channels to be shown, but has shape [${shape.join(', ')}].`);
  }
  const values = await image.data();
  const data = new Uint8ClampedArray(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!Number.isFinite(value)) throw new RangeError(`${where}: image must be finite to be shown, but value ${index} is ${show(value)}.`);
    const channel = index % channels;
    const at = channels === 3 ? index - channel + colourOf(resolved, channel) : index;
    data[at] = (value * channelValue(where, std, channel) + channelValue(where, mean, channel)) / scale;
  }
  return {data, width, height, channels};
}
