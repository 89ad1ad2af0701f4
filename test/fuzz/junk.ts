/** Values that a caller may pass by mistake, each made anew. */
import {tensor1d, tensor3d, tensor4d, tensor, zeros, scalar} from '@tensorflow/tfjs-core';
import fc from 'fast-check';

/** Makes a value. Tensors in it are the maker's caller's to dispose. */
export type Maker = () => unknown;

/** Simple values: wrong as anything but a number, a text or a switch. */
const simple: readonly unknown[] = [
  ...[undefined, null, true, false, '', 'x', 'argmax', 'zeros', 'constructor', '__proto__', 'file://', '\0'],
  ...[0, -0, 1, 2, 3, 7, 17, -1, 0.5, -0.5, 1e6, 1e9, 1e15, 5e-324, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER],
  ...[Symbol('s'), 10n],
];

const objects: readonly Maker[] = [
  () => [],
  () => [[]],
  () => [1, 2, 3],
  () => [-1],
  () => [NaN],
  () => ['a'],
  () => [null],
  () => [undefined, undefined],
  () => new Array(3),
  () => [[0, 0, 1, 1]],
  () => ({}),
  () => Object.create(null) as object,
  () => ({length: 3}),
  () => ({data: 1, width: 1, height: 1}),
  () => ({data: [], width: 0, height: 0}),
  () => ({data: [0, NaN, 1, Infinity], width: 2, height: 2}),
  () => ({data: new Uint8Array(12), width: 2, height: 2}),
  () => ({data: Float32Array.of(NaN, 1, 2), width: 1, height: 1}),
  () => ({perImage: [0]}),
  () => ({perImage: 'x'}),
  () => ({kind: 'binary', positive: true}),
  () => ({kind: 'binary'}),
  () => ({then: 1}),
  () => ({then: () => undefined}),
  () => ({method: 'x', explain: () => [null]}),
  () => ({method: 'x', explain: () => Promise.resolve('maps')}),
  () => ({predict: 1}),
  () => ({predict: () => 3}),
  () => ({name: 'teacher', inputShape: [8, 8, 3], numClasses: 3}),
  () => ({name: 'teacher', inputShape: [8, 8, 3], numClasses: 3, logits: () => undefined}),
  () => ({name: 'teacher', inputShape: 'x', numClasses: NaN, logits: () => 1}),
  () => ({aborted: false}),
  () => ({toString: null}),
  () => Promise.resolve(1),
  () => new Map([[1, 2]]),
  () => new Set([1]),
  () => new Date(NaN),
  () => /x/,
  () => new URL('https://example.org/x'),
  () => new ArrayBuffer(8),
  () => new Float32Array(0),
  () => Float32Array.of(1, NaN),
  () => Int32Array.of(-1, 5),
  () => new Uint8Array(192),
  () => new BigInt64Array(2),
  () => new DataView(new ArrayBuffer(4)),
  () => AbortSignal.abort(),
  () => (): undefined => undefined,
  () => (): number => NaN,
  () => (): unknown[] => [],
  () => async (): Promise<string> => Promise.resolve('x'),
];

const tensors: readonly Maker[] = [
  () => {
    const gone = zeros([8, 8, 3]);
    gone.dispose();
    return gone;
  },
  () => scalar(1),
  () => tensor1d([1, 2, 3]),
  () => tensor1d([]),
  () => zeros([8, 8, 3], 'int32'),
  () => zeros([8, 8, 3], 'bool'),
  () => tensor(['a', 'b']),
  () => tensor3d(new Float32Array(192).fill(NaN), [8, 8, 3]),
  () => zeros([2, 3]),
  () => zeros([7, 9, 3]),
  () => zeros([0, 8, 8, 3]),
  () => zeros([1, 8, 8, 4]),
  () => tensor4d(new Float32Array(384).fill(Infinity), [2, 8, 8, 3]),
  () => [zeros([8, 8, 3]), zeros([4, 4, 3])],
];

/** Any of them, and whatever fast-check thinks of. */
export const junk: fc.Arbitrary<Maker> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...simple.map(
        (value): Maker =>
          () =>
            value,
      ),
    ),
  },
  {weight: 4, arbitrary: fc.constantFrom(...objects)},
  {weight: 2, arbitrary: fc.constantFrom(...tensors)},
  {
    weight: 1,
    arbitrary: fc
      .anything({
        maxDepth: 2,
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withNullPrototype: true,
      })
      .map(
        (value): Maker =>
          () =>
            structuredCloneOr(value),
      ),
  },
);

/** One value may be used twice, and must not be changed by the first use. */
function structuredCloneOr(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return value;
  }
}
