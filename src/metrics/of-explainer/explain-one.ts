/** One map of one image, for metrics that run an explainer themselves. */
import {isPromise, show} from '../../core/check.js';
import {custom} from '../../core/fields.js';
import type {Field} from '../../core/options.js';
import type {Explainer, ImageInput, SaliencyMap} from '../../core/types.js';

/** What {@link Explainer.explain} takes. */
type ExplainOptions = NonNullable<Parameters<Explainer['explain']>[1]>;

/** An explainer as an option or entry. */
export const explainerField: Field<Explainer | undefined> = /* @__PURE__ */ custom<Explainer>(
  'an explainer {method, explain()}',
  (value) => {
    if (typeof value !== 'object' || value === null || isPromise(value)) return 'kind';
    const {method, explain} = value as Partial<Explainer>;
    return typeof method === 'string' && typeof explain === 'function' ? undefined : 'kind';
  },
);

/** Checks an argument that has to be an explainer. @throws {TypeError} If it is none. */
export function checkExplainer(where: string, explainer: unknown): asserts explainer is Explainer {
  if (explainerField.problem(explainer) !== undefined)
    throw new TypeError(`${where} must be ${explainerField.rule}, but is ${show(explainer)}.`);
}

/**
 * Asks an explainer for the map of one image and one target.
 *
 * @throws {TypeError} If it gives no list of maps.
 * @throws {RangeError} If it gives another number of maps, or one whose values are not finite.
 */
export async function explainOne(where: string, explainer: Explainer, image: ImageInput, options: ExplainOptions): Promise<SaliencyMap> {
  options.signal?.throwIfAborted();
  const maps: unknown = await explainer.explain(image, options);
  const who = `${where}: '${explainer.method}'`;
  if (!Array.isArray(maps)) throw new TypeError(`${who} must give a list of maps, but gave ${show(maps)}.`);
  const [map] = maps as SaliencyMap[];
  if (map === undefined || maps.length !== 1)
    throw new RangeError(`${who} must give one map for one image and one target, but gave ${maps.length}.`);
  const {data} = (map ?? {}) as Partial<SaliencyMap>;
  if (!(data instanceof Float32Array))
    throw new TypeError(`${who} must give maps with data, a Float32Array, but gave ${show(data ?? map)}.`);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`${who} must give finite maps, but gave ${show(data[bad])} at index ${bad}.`);
  return map;
}

/**
 * The target of one image of several, for an explainer that is asked about it alone.
 *
 * @param index Number of the image.
 */
export function targetOf(target: ExplainOptions['target'], index: number): ExplainOptions['target'] {
  return typeof target === 'object' && 'perImage' in target ? target.perImage[index] : target;
}
