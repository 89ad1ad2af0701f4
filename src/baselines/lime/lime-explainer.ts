/** LIME as one of several explainers. */
import type {Explainer} from '../../core/types.js';
import type {BlackBoxModel} from '../../models/score-model.js';
import {explainerOf} from '../_explainer-of.js';
import {lime} from './lime.js';
import type {LimeOptions} from './options.js';

/**
 * Binds `lime` to a model and options; options of a call go before these.
 *
 * @returns An explainer whose maps are `LimeMap`s.
 * @example
 * const explainer = limeExplainer(teacher, {numSamples: 500});
 * const maps = await explainer.explain(images, {target: 3});
 */
export function limeExplainer(model: BlackBoxModel, options: LimeOptions = {}): Explainer {
  return explainerOf('lime', options, (images, all) => lime(images, model, all));
}
