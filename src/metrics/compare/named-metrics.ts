/** The metrics that `compare` knows by name, each one number per image and map. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {absentMeans, group} from '../../core/fields.js';
import type {Field, OptionsSchema} from '../../core/options.js';
import type {Explainer, Model, SaliencyMap, TargetFn} from '../../core/types.js';
import {maxSensitivity, sensitivityFields, type MaxSensitivityOptions} from '../of-explainer/max-sensitivity.js';
import {energyInside} from '../of-map/energy-inside.js';
import {entropy} from '../of-map/entropy.js';
import {giniSparseness} from '../of-map/gini-sparseness.js';
import {meanIntensity} from '../of-map/mean-intensity.js';
import {pointingGame, pointingGameSchema, type PointingOptions} from '../of-map/pointing-game.js';
import type {Region} from '../of-map/region.js';
import {causalFields, type CausalOptions} from '../of-model/causal-curve.js';
import {confidenceChange, type ConfidenceChange} from '../of-model/confidence-change.js';
import {deletionScore} from '../of-model/deletion-score.js';
import {insertionScore} from '../of-model/insertion-score.js';
import {muFidelity, muFidelityFields, type MuFidelityOptions} from '../of-model/mu-fidelity.js';

/** What a metric is told about one image and one map of it. */
export interface MetricContext {
  /** Number of the image, from 0. */
  readonly index: number;
  /** Name of the explainer in the comparison. */
  readonly method: string;
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
  readonly batchSize: number;
  readonly workers: number;
  readonly signal: AbortSignal | undefined;
}

/** A metric of one's own; NaN means that it is not defined for this image, which then is left out of the mean. */
export interface Metric {
  /** Its column in the table. */
  readonly name: string;
  measure(context: MetricContext): number | Promise<number>;
}

/** Metrics with a name: see the function of each. */
export type MetricName =
  | 'insertion'
  | 'deletion'
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

/** Options of the metrics with a name. */
export interface MetricSettings {
  /** Those of `insertionScore`. @default those of the function */
  readonly insertion?: Pick<CausalOptions, 'stepSize' | 'fill' | 'auc' | 'ties'> | undefined;
  /** Those of `deletionScore`. @default those of the function */
  readonly deletion?: Pick<CausalOptions, 'stepSize' | 'fill' | 'auc' | 'ties'> | undefined;
  /** Those of `muFidelity`. @default those of the function */
  readonly muFidelity?: Pick<MuFidelityOptions, 'gridSize' | 'subsetFraction' | 'numSamples' | 'fill'> | undefined;
  /** Those of `pointingGame`. @default those of the function */
  readonly pointing?: PointingOptions | undefined;
  /** Those of `maxSensitivity`. @default those of the function */
  readonly sensitivity?: Pick<MaxSensitivityOptions, 'radius' | 'numSamples'> | undefined;
}

const ofFunction = <T>(field: Field<T | undefined>): Field<T | undefined> => absentMeans(field, 'those of the function');

/** Fields of {@link MetricSettings}. */
export const metricSettingsFields: OptionsSchema<MetricSettings>['fields'] = {
  insertion: ofFunction(
    group<MetricSettings['insertion'] & object>(causalFields as OptionsSchema<MetricSettings['insertion'] & object>['fields']),
  ),
  deletion: ofFunction(
    group<MetricSettings['deletion'] & object>(causalFields as OptionsSchema<MetricSettings['deletion'] & object>['fields']),
  ),
  muFidelity: ofFunction(
    group<MetricSettings['muFidelity'] & object>(muFidelityFields as OptionsSchema<MetricSettings['muFidelity'] & object>['fields']),
  ),
  pointing: ofFunction(group<MetricSettings['pointing'] & object>(pointingGameSchema.fields as OptionsSchema<PointingOptions>['fields'])),
  sensitivity: ofFunction(
    group<MetricSettings['sensitivity'] & object>(sensitivityFields as OptionsSchema<MetricSettings['sensitivity'] & object>['fields']),
  ),
};

/** What the metrics with a name share beyond that, computed once. */
export interface NamedContext extends MetricContext {
  readonly settings: MetricSettings;
  /** The map as the explainer gave it. */
  readonly drawn: SaliencyMap;
  /** `[1,H,W,C]`, what insertion begins and deletion ends with, where it is not zeros. */
  readonly baselines: {readonly insertion?: Tensor4D; readonly deletion?: Tensor4D};
  /** Drop, increase and gain come from one pass. */
  readonly confidence: () => Promise<ConfidenceChange>;
}

/** The metrics by name. */
export const namedMetrics: Readonly<Record<MetricName, (context: NamedContext) => number | Promise<number>>> = {
  insertion: async (context) => (await insertionScore(context.image, context.map, context.model, causalOptions(context, 'insertion'))).auc,
  deletion: async (context) => (await deletionScore(context.image, context.map, context.model, causalOptions(context, 'deletion'))).auc,
  pointing: ({map, region, settings}) => (region === undefined ? NaN : pointingGame(map, region, settings.pointing).hit),
  energy: ({map, region}) => (region === undefined ? NaN : energyInside(map, region).share),
  drop: async ({confidence}) => (await confidence()).drop,
  increase: async ({confidence}) => Number((await confidence()).increase),
  gain: async ({confidence}) => (await confidence()).gain,
  gini: ({map}) => giniSparseness(map),
  entropy: ({map}) => entropy(map),
  intensity: ({map}) => meanIntensity(map),
  'mu-fidelity': async ({image, map, model, settings, target, seed, batchSize, workers, signal}) =>
    (await muFidelity(image, map, model, {...settings.muFidelity, target, seed, batchSize, workers, signal})).correlation,
  sensitivity: async ({image, drawn, explainer, settings, target, seed, batchSize, signal}) =>
    (await maxSensitivity(image, explainer, {...settings.sensitivity, maps: [drawn], target, seed, batchSize, signal})).sensitivity,
  seconds: ({seconds}) => seconds,
};

/** Asks the model about the image and the image times the map, once however often it is called. */
export function confidenceOnce({image, map, model, target, batchSize, workers, signal}: MetricContext): () => Promise<ConfidenceChange> {
  let asked: Promise<ConfidenceChange> | undefined;
  return () => (asked ??= confidenceChange(image, map, model, {target, batchSize, workers, signal}));
}

function causalOptions(context: NamedContext, kind: 'insertion' | 'deletion'): CausalOptions {
  const {settings, baselines, target, batchSize, workers, signal} = context;
  return {...settings[kind], fill: baselines[kind] ?? settings[kind]?.fill, target, batchSize, workers, signal};
}
