/** Binds a method to its options, for code that compares explainers. */
import {readOptions, type OptionsSchema} from '../core/options.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap, SeedOptions} from '../core/types.js';
import {checkModel} from '../models/score-model.js';

/** What is bound. */
export interface Binding<O extends ExplainerOptions> {
  /** Name of the method, as its maps give it. */
  readonly method: string;
  /** The options of the method. */
  readonly schema: OptionsSchema<unknown>;
  readonly model: Model;
  readonly options: O;
  /** What has to hold beyond the schema, such as options that exclude each other. */
  readonly check?: ((options: O) => unknown) | undefined;
}

/**
 * Makes an explainer; options of a call go before those of the explainer where they are defined. A `seed` or a
 * `batchSize`, which a call may give to any explainer, is not handed on to a method that has none.
 *
 * @throws {TypeError | RangeError} If `model` is no model, or an option is unknown or not allowed.
 */
export function explainerOf<O extends ExplainerOptions>(
  {method, schema, model, options, check}: Binding<O>,
  explain: (images: ImagesInput, options: O) => Promise<SaliencyMap[]>,
): Explainer {
  checkModel(schema.where.endsWith('Explainer') ? schema.where : `${schema.where}Explainer`, model);
  readOptions(schema, options);
  check?.(options);
  return {
    method,
    async explain(images, overrides = {}) {
      const own = readableBy(schema, overrides);
      readOptions(schema, own);
      const given = Object.entries(own).filter(([, value]) => value !== undefined);
      return explain(images, {...options, ...Object.fromEntries(given)});
    },
  };
}

/** Drops the shared options that a method does not have; what is no object is left for the check that follows. */
function readableBy(schema: OptionsSchema<unknown>, options: ExplainerOptions & SeedOptions): ExplainerOptions {
  const dropped = ['seed', 'batchSize'].filter((name) => !(name in schema.fields));
  if (typeof options !== 'object' || options === null || !dropped.some((name) => name in options)) return options;
  return Object.fromEntries(Object.entries(options).filter(([name]) => !dropped.includes(name)));
}
