/** The one table of what tf.layers' classes do to the values that run through them, as far as a graph is read by it. */

/**
 * - `'dropping'`: hands on its input in inference;
 * - `'reshaping'`: the same values in the same order under another shape;
 * - `'moving'`: values that are put elsewhere, padded or cut off;
 * - `'averaging'`: means of what it reads;
 * - `'sequential'`: made for sequences, not for images;
 * - `'input'`: where a model begins.
 */
export type LayerKind = 'dropping' | 'reshaping' | 'moving' | 'averaging' | 'sequential' | 'input';

const kinds: ReadonlyMap<string, LayerKind> = /* @__PURE__ */ new Map<string, LayerKind>([
  ['AlphaDropout', 'dropping'],
  ['Dropout', 'dropping'],
  ['GaussianDropout', 'dropping'],
  ['GaussianNoise', 'dropping'],
  ['KerasIdentity', 'dropping'],
  ['SpatialDropout2D', 'dropping'],
  ['Flatten', 'reshaping'],
  ['Reshape', 'reshaping'],
  ['Cropping2D', 'moving'],
  ['Permute', 'moving'],
  ['ZeroPadding2D', 'moving'],
  ['Average', 'averaging'],
  ['AveragePooling2D', 'averaging'],
  ['GlobalAveragePooling1D', 'averaging'],
  ['GlobalAveragePooling2D', 'averaging'],
  ['KerasGlobalAveragePooling2D', 'averaging'],
  ['Bidirectional', 'sequential'],
  ['ConvLSTM2D', 'sequential'],
  ['Embedding', 'sequential'],
  ['GRU', 'sequential'],
  ['LSTM', 'sequential'],
  ['RNN', 'sequential'],
  ['SimpleRNN', 'sequential'],
  ['TimeDistributed', 'sequential'],
  ['InputLayer', 'input'],
]);

/** Whether a class of layers is of one of these kinds. */
export function isOfKind(className: string, ...wanted: readonly LayerKind[]): boolean {
  const kind = kinds.get(className);
  return kind !== undefined && wanted.includes(kind);
}
