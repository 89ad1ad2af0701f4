/** Binds a method to its options, for code that compares explainers. */
import type {Explainer, ExplainerOptions, ImagesInput, SaliencyMap} from '../core/types.js';

/** Makes an explainer; options of a call go before those of the explainer where they are defined. */
export function explainerOf<O extends ExplainerOptions>(
  method: string,
  options: O,
  explain: (images: ImagesInput, options: O) => Promise<SaliencyMap[]>,
): Explainer {
  return {
    method,
    explain(images, overrides = {}) {
      const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
      return explain(images, {...options, ...Object.fromEntries(given)});
    },
  };
}
