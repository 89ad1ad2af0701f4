/**
 * Sums slices that carry the same number, UnsortedSegmentSum, which the wasm backend lacks; the
 * gradient of `gather` needs it.
 */
import {util, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {input, type Attributes, type Infos} from './_kernels.js';

/**
 * Computes `result[s] = Σ x[i]` over all i with `segmentIds[i] = s`. Slices with an id outside
 * `[0, numSegments)` are dropped.
 *
 * @param inputs `x` of any type but string, and int32 `segmentIds`, whose shape begins that of `x`.
 * @param attributes `numSegments`.
 * @returns `[numSegments, ...rest of x]`, of the type of `x` (int32 stays int32), the caller's.
 */
export function unsortedSegmentSum(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const x = input(inputs, 'x', backend);
  const segmentIds = input(inputs, 'segmentIds', backend);
  const numSegments = attributes['numSegments'] as number;
  const rest = x.shape.slice(segmentIds.shape.length);
  const result = backend.makeOutput([numSegments, ...rest], x.dtype === 'int32' ? 'int32' : 'float32');
  const [values, ids, sums] = [x, segmentIds, result].map((info) => backend.typedArrayFromHeap(info)) as [
    Float32Array,
    Int32Array,
    Float32Array,
  ];
  const length = util.sizeFromShape(rest);
  sums.fill(0);
  for (let i = 0; i < ids.length; i++) {
    const segment = ids[i] as number;
    if (segment < 0 || segment >= numSegments) continue;
    const [from, to] = [i * length, segment * length];
    for (let j = 0; j < length; j++) sums[to + j] = (sums[to + j] as number) + (values[from + j] as number);
  }
  return result;
}
