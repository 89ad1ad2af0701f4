/** What can be done in shards, as plain data: everything that decides the numbers, and nothing that is only of one machine. */
import {batchSizeField, seedField, targetField} from '../../core/common-options.js';
import {integer, list, oneOf, required, text, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import type {BatchOptions, SeedOptions, Target, TargetFn} from '../../core/types.js';
import {drawMaskGridsSchema, type MaskGridOptions} from '../../baselines/rise/masks.js';
import type {CausalMetric, MetricName} from '../../metrics/compare/named-metrics.js';
import {compareSchema, type CompareOptions} from '../../metrics/compare/options.js';
import {fillField, type Fill} from '../../queries/fill.js';

type PlainTarget<T> = Exclude<T, TargetFn>;

/** `compare()` in shards. `seed`, `limits` and `target` mean what they mean there, over all images. */
export interface CompareTask extends BatchOptions, SeedOptions, Pick<CompareOptions, 'limits' | 'commonImages' | 'settings' | 'warmUp'> {
  /** Tells the tasks apart. */
  readonly kind: 'compare';
  /** The names of the rows: those of the explainers, in their order. At least one. */
  readonly methods: readonly string[];
  /** Metrics by name, and insertion, deletion or srg with options of their own. */
  readonly metrics: readonly (MetricName | CausalMetric)[];
  /** What is explained, but for a function. @default 'argmax' */
  readonly target?: PlainTarget<CompareOptions['target']> | undefined;
}

/** Maps of every image by one explainer; each image is explained alone, with a seed of its own. */
export interface ExplainTask extends BatchOptions, SeedOptions {
  /** Tells the tasks apart. */
  readonly kind: 'explain';
  /** The name of the explainer. */
  readonly method: string;
  /** What is explained, but for a function. @default 'argmax' */
  readonly target?: PlainTarget<Target> | undefined;
}

/** The model's scores of every image, and of the image under masks as RISE draws them, with a seed of its own. */
export interface ScoresTask extends BatchOptions, SeedOptions, Pick<MaskGridOptions, 'gridSize' | 'keepProbability'> {
  /** Tells the tasks apart. */
  readonly kind: 'scores';
  /** Masked images for each image, 0–100000. @default 8 */
  readonly numMasks?: number | undefined;
  /** What stands where pixels are hidden, but for a tensor. @default 'blur' */
  readonly fill?: Fill | undefined;
  /** What the scores of a LayersModel or Teacher are; other models give what they return. @default 'logits' */
  readonly form?: 'logits' | 'probabilities' | undefined;
}

/** What is done with every image. */
export type ShardTask = CompareTask | ExplainTask | ScoresTask;

const {metrics, target, limits, commonImages, settings, warmUp} = compareSchema.fields;

/** The options of each task, by its kind. */
export const taskSchemas: {readonly [K in ShardTask['kind']]: OptionsSchema<Readonly<Record<string, unknown>>>} = {
  compare: {
    where: 'planShards: task',
    fields: {
      kind: required(oneOf('compare')),
      methods: required(list(text(), 1)),
      metrics,
      target,
      limits,
      commonImages,
      settings,
      warmUp,
      batchSize: batchSizeField,
      seed: seedField,
    },
  },
  explain: {
    where: 'planShards: task',
    fields: {
      kind: required(oneOf('explain')),
      method: required(text()),
      target: targetField,
      batchSize: batchSizeField,
      seed: seedField,
    },
  },
  scores: {
    where: 'planShards: task',
    fields: {
      kind: required(oneOf('scores')),
      numMasks: withDefault(integer(0, 100_000), 8),
      gridSize: drawMaskGridsSchema.fields.gridSize,
      keepProbability: drawMaskGridsSchema.fields.keepProbability,
      fill: withDefault<Fill | undefined, 'blur'>(fillField, 'blur'),
      form: withDefault(oneOf('logits', 'probabilities'), 'logits'),
      batchSize: batchSizeField,
      seed: seedField,
    },
  },
};
