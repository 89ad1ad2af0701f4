/** Random maps as one of several explainers: what any method has to beat. */
import {batchSizeField, progressField, seedField, signalField, targetField} from '../../core/common-options.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap, SeedOptions} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {checkTarget, resolveTargets} from '../../models/targets.js';
import {batchScorer} from '../../queries/batch-scorer.js';
import {overImageBatches} from '../../queries/image-batches.js';
import {explainerOf} from '../_explainer-of.js';
import {randomMap} from './random-map.js';

const WHERE = 'randomExplainer';

/** Options of {@link randomExplainer}. */
export interface RandomExplainerOptions extends ExplainerOptions, SeedOptions {}

/** The options of {@link randomExplainer}. */
export const randomExplainerSchema: OptionsSchema<Settled<RandomExplainerOptions, 'signal' | 'onProgress'>> = {
  where: WHERE,
  fields: {target: targetField, batchSize: batchSizeField, seed: seedField, signal: signalField, onProgress: progressField},
};

/**
 * Makes an explainer that looks at nothing: one random map per image and class, drawn from the seed, the
 * image's number in the call and the class.
 *
 * @param model Only asked for the class and its score. Borrowed.
 * @param options Options of a call go before these.
 * @throws {TypeError | RangeError} If an argument is of the wrong kind or out of range.
 * @example
 * const maps = await randomExplainer(teacher).explain(images, {seed: 7});
 */
export function randomExplainer(model: Model, options: RandomExplainerOptions = {}): Explainer {
  return explainerOf({method: 'random', schema: randomExplainerSchema, model, options}, (images, all) => explain(images, model, all));
}

async function explain(images: ImagesInput, model: Model, options: RandomExplainerOptions): Promise<SaliencyMap[]> {
  const settings = readOptions(randomExplainerSchema, options);
  const {target, seed} = settings;
  checkTarget(WHERE, target, checkImages(WHERE, images));
  const scorer = batchScorer(WHERE, model, settings);
  const random = new Random(seed);
  const record = recordOptions(settings);
  return overImageBatches(images, {...settings, where: WHERE, toInput: scorer.toInput}, async ({images: batch, first}) => {
    const [, height, width] = batch.shape;
    return resolveTargets(WHERE, target, await scorer.score(batch), first).flatMap((classes, index) =>
      classes.map((each) => ({
        ...randomMap({height, width, ...each, seed: random.split(`${first + index}/${each.target}`).seed}),
        seed,
        options: record,
      })),
    );
  });
}
