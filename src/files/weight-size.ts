/** How many bytes a model file must hold for its weights, from the manifest alone. */
import type {io} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';

const valueSizes: Readonly<Record<string, number>> = {float32: 4, int32: 4, bool: 1, complex64: 8};
const quantizedSizes: Readonly<Record<string, number>> = {uint8: 1, uint16: 2, float16: 2};

/**
 * Returns the bytes that one weight takes in the file, quantised where it says so.
 *
 * @param where Begins the message, e.g. the path of the model file.
 * @throws {ModelFileError} If name, shape, dtype or quantisation is none that tfjs can decode.
 */
export function weightByteLength(where: string, spec: io.WeightsManifestEntry): number {
  const {name, shape, dtype, quantization} = (isObject(spec) ? spec : {}) as Partial<io.WeightsManifestEntry>;
  if (typeof name !== 'string') throw new ModelFileError(`${where}: a weight has no name; export the model again.`);
  const bad = (what: string, rule: string): ModelFileError =>
    new ModelFileError(`${where}: weight ${show(name)} has ${what}; ${rule}. Export the model again.`);
  // As a name of a property it would vanish, and its tensor with it.
  if (name === '__proto__') throw bad('that name', 'it means something else in JavaScript');
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw bad(`the shape ${show(shape)}`, 'whole numbers from 0 are allowed');
  }
  let bytes = sizeIn(valueSizes, dtype);
  if (bytes === undefined) throw bad(`dtype ${show(dtype)}`, `${Object.keys(valueSizes).join(', ')} are known`);
  if (quantization !== undefined) {
    if (!isObject(quantization)) throw bad(`quantisation ${show(quantization)}`, 'an object is needed, or nothing');
    const {dtype: stored, scale, min} = quantization;
    bytes = sizeIn(quantizedSizes, stored);
    if (bytes === undefined) throw bad(`quantisation ${show(stored)}`, `${Object.keys(quantizedSizes).join(', ')} are known`);
    const decodable = stored === 'float16' ? dtype === 'float32' : dtype === 'float32' || dtype === 'int32';
    if (!decodable) throw bad(`quantisation ${stored} of ${dtype}`, 'float32 can be quantised, int32 to whole numbers');
    if (stored !== 'float16' && !(Number.isFinite(scale) && Number.isFinite(min))) {
      throw bad(`quantisation ${stored} without scale and min`, 'both must be numbers');
    }
  }
  return shape.reduce((product, size) => product * size, bytes);
}

/** Returns the bytes of several weights. @throws {ModelFileError} As {@link weightByteLength}. */
export function weightsByteLength(where: string, specs: readonly io.WeightsManifestEntry[]): number {
  return specs.reduce((sum, spec) => sum + weightByteLength(where, spec), 0);
}

function sizeIn(sizes: Readonly<Record<string, number>>, dtype: unknown): number | undefined {
  return typeof dtype === 'string' && Object.hasOwn(sizes, dtype) ? sizes[dtype] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
