/** Random maps as one of several explainers: what any method has to beat. */
import {Random} from '../../core/random.js';
import type {Explainer} from '../../core/types.js';
import {scoreModel, type BlackBoxModel} from '../../models/score-model.js';
import {resolveTargets} from '../../models/targets.js';
import {randomMap} from './random-map.js';

/**
 * Makes an explainer that looks at nothing: one random map per image and class, drawn from the seed
 * and the image's number.
 *
 * @param model Only asked for the class and its score. Borrowed.
 */
export function randomExplainer(model: BlackBoxModel): Explainer {
  const scorer = scoreModel(model);
  return {
    method: 'random',
    async explain(images, {target, seed = 0} = {}) {
      const input = scorer.toInput(images);
      try {
        const [, height, width] = input.shape;
        const random = new Random(seed);
        return resolveTargets('random', target, await scorer.score(input)).flatMap((classes, index) =>
          classes.map((each) => ({...randomMap({height, width, ...each, seed: random.split(`${index}/${each.target}`).seed}), seed})),
        );
      } finally {
        input.dispose();
      }
    },
  };
}
