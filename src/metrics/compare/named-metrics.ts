/** The measures that `compare` knows by name, each one number per image and map. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {Explainer, SaliencyMap} from '../../core/types.js';
import type {CausalModel} from '../of-model/_groups.js';
import type {CausalOptions} from '../of-model/causal-curve.js';
import {confidenceChange, type ConfidenceChange} from '../of-model/confidence-change.js';
import {deletionScore} from '../of-model/deletion-score.js';
import {energyInside} from '../of-map/energy-inside.js';
import {entropy} from '../of-map/entropy.js';
import {giniSparseness} from '../of-map/gini-sparseness.js';
import {insertionScore} from '../of-model/insertion-score.js';
import {maxSensitivity, type MaxSensitivityOptions} from '../of-explainer/max-sensitivity.js';
import {meanIntensity} from '../of-map/mean-intensity.js';
import {muFidelity, type MuFidelityOptions} from '../of-model/mu-fidelity.js';
import {pointingGame, type PointingOptions} from '../of-map/pointing-game.js';
import type {Region} from '../of-map/region.js';

/** What a measure is told about one image and one map of it. */
export interface MeasureContext {
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
  readonly model: CausalModel;
  /** The class that every explainer was asked about, and its score for the whole image. */
  readonly target: number;
  readonly score: number;
  /** Where the evidence is known to be. */
  readonly region: Region | undefined;
  /** How long the explainer took for this image. */
  readonly seconds: number;
  /** The image's own seed, the same for every explainer. */
  readonly seed: number;
  readonly batchSize: number | undefined;
  readonly workers: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A measure of one's own; NaN means that it is not defined for this image, which then is left out of the mean. */
export interface Measure {
  /** Its column in the table. */
  readonly name: string;
  measure(context: MeasureContext): number | Promise<number>;
}

/** Measures with a name: see the function of each. */
export type MeasureName =
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

/** Options of the measures with a name. */
export interface MeasureSettings {
  /** `stepSize` @default a 28th of the image, as in the paper's benchmark */
  readonly insertion?: Pick<CausalOptions, 'stepSize' | 'substrate' | 'auc' | 'ties'> | undefined;
  /** `stepSize` @default a 28th of the image */
  readonly deletion?: Pick<CausalOptions, 'stepSize' | 'substrate' | 'auc' | 'ties'> | undefined;
  readonly muFidelity?: Pick<MuFidelityOptions, 'gridSize' | 'subsetFraction' | 'numSamples' | 'substrate'> | undefined;
  readonly pointing?: PointingOptions | undefined;
  readonly sensitivity?: Pick<MaxSensitivityOptions, 'radius' | 'numSamples'> | undefined;
}

/** What the measures with a name share beyond that, computed once. */
export interface NamedContext extends MeasureContext {
  readonly settings: MeasureSettings;
  /** The map as the explainer gave it. */
  readonly drawn: SaliencyMap;
  /** `[1,H,W,C]`, what insertion begins and deletion ends with, where it is not zeros. */
  readonly substrates: {readonly insertion?: Tensor4D; readonly deletion?: Tensor4D};
  /** Drop, increase and gain come from one pass. */
  readonly confidence: () => Promise<ConfidenceChange>;
}

/** The measures by name. */
export const namedMeasures: Readonly<Record<MeasureName, (context: NamedContext) => number | Promise<number>>> = {
  insertion: async (context) => (await insertionScore(context.image, context.map, context.model, causalOptions(context, 'insertion'))).auc,
  deletion: async (context) => (await deletionScore(context.image, context.map, context.model, causalOptions(context, 'deletion'))).auc,
  pointing: ({map, region, settings}) => (region === undefined ? NaN : Number(pointingGame(map, region, settings.pointing).hit)),
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
export function confidenceOnce({image, map, model, target, batchSize, workers, signal}: MeasureContext): () => Promise<ConfidenceChange> {
  let asked: Promise<ConfidenceChange> | undefined;
  return () => (asked ??= confidenceChange(image, map, model, {target, batchSize, workers, signal}));
}

function causalOptions(
  {image, settings, substrates, target, batchSize, workers, signal}: NamedContext,
  kind: 'insertion' | 'deletion',
): CausalOptions {
  const [, height, width] = image.shape;
  const stepSize = settings[kind]?.stepSize ?? Math.ceil((height * width) / 28);
  return {...settings[kind], stepSize, substrate: substrates[kind] ?? settings[kind]?.substrate, target, batchSize, workers, signal};
}
