/** What stands where pixels are missing: deletion ends in it, insertion starts from it. */
import {clone, reshape, Tensor, zerosLike, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkShape, show} from '../core/check.js';
import {blurImages, blurWeights, type BlurOptions} from './blur.js';

/**
 * `'zeros'`: the mean colour of networks that normalise. `'blur'`: the image blurred as in
 * eclique/RISE; an object changes the blur. A tensor `[H,W,C]` or `[1,H,W,C]`: any image, as the
 * network would see it.
 */
export type Substrate = 'zeros' | 'blur' | BlurOptions | Tensor3D | Tensor4D;

/** A substrate as results record it. */
export type SubstrateRecord =
  'zeros' | 'tensor' | {readonly kernel: 'official' | 'gaussian'; readonly length: number; readonly sigma: number};

/**
 * Checks a substrate and says which one it is, with defaults filled in.
 *
 * @throws {TypeError} If it is none.
 * @throws {RangeError} If a name or an option of the blur is unknown.
 */
export function describeSubstrate(substrate: Substrate): SubstrateRecord {
  if (substrate instanceof Tensor) return 'tensor';
  if (substrate === 'zeros') return 'zeros';
  if (typeof substrate === 'string' && substrate !== 'blur') {
    throw new RangeError(`substrate must be 'zeros', 'blur', blur options or a tensor, but is ${show(substrate)}.`);
  }
  if (substrate !== 'blur' && (typeof substrate !== 'object' || (substrate as unknown) === null)) {
    throw new TypeError(`substrate must be 'zeros', 'blur', blur options or a tensor, but is ${show(substrate)}.`);
  }
  const options = substrate === 'blur' ? {} : substrate;
  blurWeights(options);
  return {kernel: options.kernel ?? 'official', length: options.length ?? 11, sigma: options.sigma ?? 5};
}

/**
 * Makes the substrate of images.
 *
 * @param images `[N,H,W,C]` as the network sees them.
 * @returns `[N,H,W,C]`, or `[1,H,W,C]` for all alike; the caller's.
 * @throws {RangeError} If a tensor has another size than the images.
 */
export function makeSubstrate(substrate: Substrate, images: Tensor4D): Tensor4D {
  if (!(substrate instanceof Tensor)) {
    return substrate === 'zeros' ? zerosLike(images) : blurImages(images, substrate === 'blur' ? {} : substrate);
  }
  const size = images.shape.slice(1) as [number, number, number];
  checkShape('substrate', substrate.shape, substrate.rank === 3 ? size : [1, ...size]);
  return substrate.rank === 3 ? reshape(substrate, [1, ...size]) : (clone(substrate) as Tensor4D);
}
