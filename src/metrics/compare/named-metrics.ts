/** The metrics that `compare` knows by name, each one number per image and map. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {absentMeans, custom, either, group, oneOf, required, text} from '../../core/fields.js';
import type {Field, OptionsSchema} from '../../core/options.js';
import type {Explainer, Model, SaliencyMap, TargetFn} from '../../core/types.js';
import {maxSensitivity, sensitivityFields, type MaxSensitivityOptions} from '../of-explainer/max-sensitivity.js';
import {energyInside} from '../of-map/energy-inside.js';
import {entropy} from '../of-map/entropy.js';
import {giniSparseness} from '../of-map/gini-sparseness.js';
import {meanIntensity} from '../of-map/mean-intensity.js';
import {pointingGame, pointingGameSchema, type PointingOptions} from '../of-map/pointing-game.js';
import type {Region} from '../of-map/region.js';
import {causalFields, causalFills, type CausalFill, type CausalOptions, type CausalScore} from '../of-model/causal-curve.js';
import {recordFill} from '../../queries/fill.js';
import {confidenceChange, type ConfidenceChange} from '../of-model/confidence-change.js';
import {deletionScore} from '../of-model/deletion-score.js';
import {insertionScore} from '../of-model/insertion-score.js';
import {muFidelity, muFidelityFields, type MuFidelityOptions} from '../of-model/mu-fidelity.js';
import {symmetricRelevanceGain} from '../of-model/symmetric-relevance-gain.js';

/** What a metric is told about one image and one map of it. */
export interface MetricContext {
  /** Number of the image, from 0. */
  readonly index: number;
  /** Name of the explainer in the comparison. */
  readonly method: string;
  /** The explainer, for metrics that ask it again. */
  readonly explainer: Explainer;
  /** `[1,H,W,C]` as the network sees it; borrowed, and freed after the image. */
  readonly image: Tensor4D;
  /** The map, at the size of the image. */
  readonly map: SaliencyMap;
  /** As it was passed in. */
  readonly model: Model;
  /** What every explainer was asked about: a class, or a function of the logits. */
  readonly target: number | TargetFn;
  /** Its score for the whole image. */
  readonly score: number;
  /** Where the evidence is known to be. */
  readonly region: Region | undefined;
  /** How long the explainer took for this image. */
  readonly seconds: number;
  /** The image's own seed, the same for every explainer. */
  readonly seed: number;
  /** Images per batch that the model is asked with. */
  readonly batchSize: number;
  /** Threads that share the batches. */
  readonly workers: number;
  /** Stops the comparison. */
  readonly signal: AbortSignal | undefined;
}

/** A metric of one's own; NaN means that it is not defined for this image, which then is left out of the mean. */
export interface Metric {
  /** Its column in the table. */
  readonly name: string;
  /** Returns the value for one image; NaN where it has none, and the image is left out of the mean. */
  measure(context: MetricContext): number | Promise<number>;
}

/** What insertion, deletion or srg saw on the way to their number. */
export interface MetricCurve {
  /** Which of them. */
  readonly metric: CausalName;
  /** What was watched after 0, 1, … n steps. Of srg: while the most salient pixels go first. */
  readonly curve: readonly number[];
  /** Of srg alone: while the least salient pixels go first. */
  readonly leastFirst?: readonly number[] | undefined;
  /** Fraction of the pixels that has changed by then, 0 … 1. */
  readonly fractions: readonly number[];
  /** Every option in force. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Metrics with a name: see the function of each. */
export type MetricName =
  | 'insertion'
  | 'deletion'
  | 'srg'
  | 'pointing'
  | 'energy'
  | 'drop'
  | 'increase'
  | 'gain'
  | 'gini'
  | 'entropy'
  | 'intensity'
  | 'mu-fidelity'
  | 'sensitivity'
  | 'seconds';

/** The metrics that exchange pixels step by step. */
export type CausalName = 'insertion' | 'deletion' | 'srg';

/** The options of insertion, deletion and srg that a comparison leaves open. */
export type CausalMetricOptions = Pick<CausalOptions, 'stepSize' | 'fill' | 'auc' | 'ties'>;

/**
 * Insertion, deletion or srg once more, with options of its own under a name of its own: under another baseline, for one.
 * What it leaves out is that of `settings`.
 */
export interface CausalMetric extends CausalMetricOptions {
  /** Which of the three it is. */
  readonly metric: CausalName;
  /** Its column in the table. */
  readonly name: string;
}

/** Options of the metrics with a name. */
export interface MetricSettings {
  /** Those of `insertionScore`. @default those of the function */
  readonly insertion?: CausalMetricOptions | undefined;
  /** Those of `deletionScore`. @default those of the function */
  readonly deletion?: CausalMetricOptions | undefined;
  /** Those of `symmetricRelevanceGain`. @default those of the function */
  readonly srg?: CausalMetricOptions | undefined;
  /** Those of `muFidelity`. @default those of the function */
  readonly muFidelity?: Pick<MuFidelityOptions, 'gridSize' | 'subsetFraction' | 'numSamples' | 'fill'> | undefined;
  /** Those of `pointingGame`. @default those of the function */
  readonly pointing?: PointingOptions | undefined;
  /** Those of `maxSensitivity`. @default those of the function */
  readonly sensitivity?: Pick<MaxSensitivityOptions, 'radius' | 'numSamples'> | undefined;
}

const causalMetricFields = causalFields as OptionsSchema<CausalMetricOptions>['fields'];
const ofFunction = <T>(field: Field<T | undefined>): Field<T | undefined> => absentMeans(field, 'those of the function');

/** Fields of {@link MetricSettings}. */
export const metricSettingsFields: OptionsSchema<MetricSettings>['fields'] = {
  insertion: ofFunction(group<CausalMetricOptions>(causalMetricFields)),
  deletion: ofFunction(group<CausalMetricOptions>(causalMetricFields)),
  srg: ofFunction(group<CausalMetricOptions>(causalMetricFields)),
  muFidelity: ofFunction(
    group<MetricSettings['muFidelity'] & object>(muFidelityFields as OptionsSchema<MetricSettings['muFidelity'] & object>['fields']),
  ),
  pointing: ofFunction(group<MetricSettings['pointing'] & object>(pointingGameSchema.fields as OptionsSchema<PointingOptions>['fields'])),
  sensitivity: ofFunction(
    group<MetricSettings['sensitivity'] & object>(sensitivityFields as OptionsSchema<MetricSettings['sensitivity'] & object>['fields']),
  ),
};

/** The number of a metric that exchanges pixels, and its curve. */
type CausalResult = MetricCurve & {readonly value: number};

const causalScores: Readonly<
  Record<CausalName, (image: Tensor4D, map: SaliencyMap, model: Model, options: CausalOptions) => Promise<CausalResult>>
> = {
  insertion: async (...all) => ofScore('insertion', await insertionScore(...all)),
  deletion: async (...all) => ofScore('deletion', await deletionScore(...all)),
  srg: async (...all) => {
    const {gain, mostFirst, leastFirst, fractions, options} = await symmetricRelevanceGain(...all);
    return {metric: 'srg', value: gain, curve: mostFirst.curve, leastFirst: leastFirst.curve, fractions, options};
  },
};

function ofScore(metric: CausalName, {auc, curve, fractions, options}: CausalScore): CausalResult {
  return {metric, value: auc, curve, fractions, options};
}

const variantFields: OptionsSchema<CausalMetric>['fields'] = {
  metric: required(oneOf(...(Object.keys(causalScores) as CausalName[]))),
  name: required(text()),
  ...causalMetricFields,
};
const variant = /* @__PURE__ */ group<CausalMetric>(variantFields);

/** What the metrics with a name share beyond that, computed once. */
export interface NamedContext extends MetricContext {
  readonly settings: MetricSettings;
  /** The map as the explainer gave it. */
  readonly drawn: SaliencyMap;
  /** `[1,H,W,C]`: what insertion begins with and the others end with, where it is not zeros, by the fill that makes it. */
  readonly baselines: ReadonlyMap<CausalFill, Tensor4D>;
  /** Told the curve of every metric that has one. */
  readonly onCurve: ((curve: MetricCurve) => void) | undefined;
  /** Drop, increase and gain come from one pass. */
  readonly confidence: () => Promise<ConfidenceChange>;
}

/** The metrics by name. */
export const namedMetrics: Readonly<Record<MetricName, (context: NamedContext) => number | Promise<number>>> = {
  insertion: (context) => causal('insertion', context),
  deletion: (context) => causal('deletion', context),
  srg: (context) => causal('srg', context),
  pointing: ({map, region, settings}) => (region === undefined ? NaN : pointingGame(map, region, settings.pointing).hit),
  energy: ({map, region}) => (region === undefined ? NaN : energyInside(map, region).share),
  drop: async ({confidence}) => (await confidence()).drop,
  increase: async ({confidence}) => Number((await confidence()).increase),
  gain: async ({confidence}) => (await confidence()).gain,
  gini: ({map}) => giniSparseness(map),
  entropy: ({map}) => entropy(map),
  intensity: ({map}) => meanIntensity(map),
  'mu-fidelity': async ({image, map, model, settings: {muFidelity: own}, baselines, target, seed, batchSize, workers, signal}) =>
    (
      await muFidelity(image, map, model, {
        ...own,
        fill: own?.fill && (baselines.get(own.fill) ?? own.fill),
        target,
        seed,
        batchSize,
        workers,
        signal,
      })
    ).correlation,
  sensitivity: async ({image, drawn, explainer, settings, target, seed, batchSize, signal}) =>
    (await maxSensitivity(image, explainer, {...settings.sensitivity, maps: [drawn], target, seed, batchSize, signal})).sensitivity,
  seconds: ({seconds}) => seconds,
};

/** A metric of a comparison: a name, one with options of its own, or one of the caller's. */
export const metricField: Field<MetricName | CausalMetric | Metric | undefined> = /* @__PURE__ */ either<
  MetricName | CausalMetric | Metric
>(
  oneOf(...(Object.keys(namedMetrics) as MetricName[])),
  {
    ...variant,
    rule: `{${Object.keys(variantFields).join(', ')}}`,
    problem: (value) => {
      const isVariant = typeof value === 'object' && value !== null && 'metric' in value && !('measure' in value);
      return isVariant ? variant.problem(value) : {wrongKind: true, path: '', rule: '', value};
    },
  },
  custom<Metric>('{name, measure()}', (value) => {
    const {name, measure} = (value ?? {}) as Partial<Metric>;
    return typeof name === 'string' && typeof measure === 'function' ? undefined : 'kind';
  }),
);

/** Asks the model about the image and the image times the map, once however often it is called. */
export function confidenceOnce({image, map, model, target, batchSize, workers, signal}: MetricContext): () => Promise<ConfidenceChange> {
  let asked: Promise<ConfidenceChange> | undefined;
  return () => (asked ??= confidenceChange(image, map, model, {target, batchSize, workers, signal}));
}

/** The value of a metric, by name or one's own. */
export function valueOf(metric: MetricName | CausalMetric | Metric, context: NamedContext): unknown {
  if (typeof metric === 'string') return namedMetrics[metric](context);
  return 'measure' in metric ? metric.measure(context) : causal(metric, context);
}

/** The options of insertion, deletion or srg, for the metrics that are one of them. */
export function causalOptions(
  metric: MetricName | CausalMetric | Metric,
  settings: MetricSettings,
): (CausalMetricOptions & {readonly fill: CausalFill}) | undefined {
  const {metric: kind, ...own} = typeof metric === 'string' ? {metric} : 'measure' in metric ? {metric: undefined} : metric;
  if (!isCausal(kind)) return undefined;
  const shared = settings[kind] ?? {};
  const names = Object.keys(causalFields) as (keyof CausalMetricOptions)[];
  const options: CausalMetricOptions = Object.fromEntries(names.map((name) => [name, (own as CausalMetricOptions)[name] ?? shared[name]]));
  return {...options, fill: options.fill ?? causalFills[kind]};
}

function isCausal(name: string | undefined): name is CausalName {
  return name !== undefined && Object.hasOwn(causalScores, name);
}

async function causal(metric: CausalName | CausalMetric, context: NamedContext): Promise<number> {
  const {settings, baselines, image, map, model, target, seed, batchSize, workers, signal, onCurve} = context;
  const options = causalOptions(metric, settings);
  const fill = options && (baselines.get(options.fill) ?? options.fill);
  const {value, ...curve} = await causalScores[typeof metric === 'string' ? metric : metric.metric](image, map, model, {
    ...options,
    fill,
    target,
    seed,
    batchSize,
    workers,
    signal,
  });
  // A baseline that was computed before is still the fill that it was made by.
  onCurve?.({...curve, options: {...curve.options, fill: options && recordFill(options.fill)}});
  return value;
}
