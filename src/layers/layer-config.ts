/**
 * How a layer reads its options: as every function of this library, but for what tfjs adds to them. It passes options
 * of its own along when a model is loaded, and JSON writes null for what is absent.
 */
import {MAX_PIXELS, isPromise} from '../core/check.js';
import {absentMeans, integer, text, tuple} from '../core/fields.js';
import {readOptions, type Field, type OptionsSchema} from '../core/options.js';

/** The most weights that one layer may have: a gibibyte of them. */
const MAX_WEIGHTS = 2 ** 28;

/** What tf.layers' own base class reads. */
const ofTfjs = ['batchInputShape', 'batchSize', 'customObjects', 'dtype', 'inputDType', 'inputShape', 'trainable', 'updatable', 'weights'];

/** `name` of a layer. */
export const nameField: Field<string | undefined> = /* @__PURE__ */ absentMeans(/* @__PURE__ */ text(), 'given by tfjs');

const sides = /* @__PURE__ */ tuple<readonly [number, number]>('[height, width]', /* @__PURE__ */ integer(1), /* @__PURE__ */ integer(1));

/** `size` of a result, `[height, width]`. */
export const sizeField: Field<readonly [number, number] | undefined> = {
  ...sides,
  problem: (value) => {
    const problem = sides.problem(value);
    if (problem !== undefined) return problem;
    const [height, width] = value as readonly [number, number];
    const rule = `[height, width] of at most ${MAX_PIXELS} pixels`;
    return height * width > MAX_PIXELS ? {wrongKind: false, path: '', rule, value} : undefined;
  },
};

/**
 * Checks the options of a layer and fills in the defaults.
 *
 * @throws {TypeError} If one is unknown both here and to tfjs, or of the wrong kind.
 * @throws {RangeError} If one is not allowed.
 */
export function readLayerConfig<S>(schema: OptionsSchema<S>, config: unknown): S {
  if (typeof config !== 'object' || config === null || Array.isArray(config) || isPromise(config)) return readOptions(schema, config);
  const own = Object.entries(config).filter(([name, value]) => value !== null && !ofTfjs.includes(name));
  return readOptions(schema, Object.fromEntries(own));
}

/** Refuses weights that would fill the memory before they are drawn. @throws {RangeError} If there are more than 2²⁸. */
export function checkWeights(where: string, shape: readonly number[]): void {
  if (shape.reduce((product, size) => product * size, 1) <= MAX_WEIGHTS) return;
  throw new RangeError(`${where} must have at most ${MAX_WEIGHTS} weights, but they are [${shape.join(', ')}].`);
}
