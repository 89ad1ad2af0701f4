/** The options that mean the same wherever they occur: the interfaces in types.ts are their words. */
import {abortSignal, absentMeans, boolean, callback, custom, either, exactly, integer, list, withDefault} from './fields.js';
import type {Field} from './options.js';
import type {Progress, Target} from './types.js';

/** The largest seed. */
export const MAX_SEED = 0xffffffff;
/** The most worker threads. */
const MAX_WORKERS = 256;

/** `batchSize`: images per call of the model. */
export const batchSizeField: Field<number> = /* @__PURE__ */ withDefault(integer(1), 16);

/** `seed`: decides everything random. */
export const seedField: Field<number> = /* @__PURE__ */ withDefault(integer(0, MAX_SEED), 0);

/** `workers`: threads that batches are shared out among. */
export const workersField: Field<number> = /* @__PURE__ */ withDefault(integer(0, MAX_WORKERS), 0);

/** `signal`: stops the work. */
export const signalField: Field<AbortSignal | undefined> = /* @__PURE__ */ absentMeans(abortSignal(), 'none');

/** `onProgress`: told after every batch. */
export const progressField: Field<((progress: Progress) => void) | undefined> = /* @__PURE__ */ absentMeans(callback(), 'none');

const classIndex = /* @__PURE__ */ integer(0);
const perImage: Field<Target | undefined> = /* @__PURE__ */ custom('{perImage: [a class for each image]}', (value) => {
  const {perImage: classes, ...rest} = (value ?? {}) as {perImage?: unknown};
  if (!Array.isArray(classes) || Object.keys(rest).length > 0) return 'kind';
  return classes.every((each) => classIndex.problem(each) === undefined) ? undefined : 'value';
});
const side: Field<Target | undefined> = /* @__PURE__ */ custom("{kind: 'binary', positive: true or false}", (value) => {
  const {kind, positive} = (value ?? {}) as {kind?: unknown; positive?: unknown};
  return kind !== 'binary' ? 'kind' : typeof positive === 'boolean' ? undefined : 'value';
});
const oneEach: readonly Field<unknown>[] = /* @__PURE__ */ (() => [
  exactly('argmax'),
  classIndex,
  perImage,
  side,
  {...callback(), rule: 'a function of the logits'},
])();

/** `target`: what is explained; several classes give several maps. */
export const targetField: Field<Target> = /* @__PURE__ */ withDefault<Target, 'argmax'>(either(...oneEach, list(classIndex, 1)), 'argmax');

/** `target` where each image has one map, so one number to look at. */
export const singleTargetField: Field<Exclude<Target, readonly number[]>> = /* @__PURE__ */ withDefault<
  Exclude<Target, readonly number[]>,
  'argmax'
>(either(...oneEach), 'argmax');

/** Fields of everything that takes longer than a moment. */
export const runFields: {readonly signal: typeof signalField; readonly onProgress: typeof progressField} = {
  signal: signalField,
  onProgress: progressField,
};

/** `normalize`: stretches each map to [0,1]. */
export const normalizeField: Field<boolean> = /* @__PURE__ */ withDefault(boolean(), true);
