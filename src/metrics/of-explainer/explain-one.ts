/** One map of one image, for measures that run an explainer themselves. */
import type {Explainer, ExplainerOptions, ImageInput, SaliencyMap} from '../../core/types.js';
import {show} from '../../core/check.js';

/**
 * Asks an explainer for the map of one image and one class.
 *
 * @throws {RangeError} If it gives another number of maps, or one whose values are not finite.
 */
export async function explainOne(where: string, explainer: Explainer, image: ImageInput, options: ExplainerOptions): Promise<SaliencyMap> {
  options.signal?.throwIfAborted();
  const maps = await explainer.explain(image, options);
  const [map] = maps;
  if (map === undefined || maps.length !== 1)
    throw new RangeError(`${where}: '${explainer.method}' must give one map for one image and one class, but gave ${maps.length}.`);
  const bad = map.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`${where}: '${explainer.method}' must give finite maps, but gave ${show(map.data[bad])} at index ${bad}.`);
  return map;
}
