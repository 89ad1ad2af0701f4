/** A comparison that was asked for, whoever does it. */
import type {Explainer} from '../core/types.js';
import type {MetricName} from '../metrics/compare/named-metrics.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import {CommandError, exitCodes} from './exit-code.js';
import type {FoundPicture} from './find-pictures.js';
import type {ChosenMethod} from './methods.js';
import type {OpenModel} from './open-model.js';
import type {LeftOut, Terminal} from './terminal.js';

/** What decides the numbers, beside model, methods and pictures. */
export interface AskedComparison {
  readonly metrics: readonly MetricName[];
  readonly target: 'argmax' | number;
  readonly limits: Readonly<Record<string, number>> | undefined;
  readonly batchSize: number;
  readonly seed: number;
  readonly warmUp: boolean;
}

/** All that is needed to do it. */
export interface ComparisonWork {
  readonly pictures: readonly FoundPicture[];
  readonly methods: readonly ChosenMethod[];
  readonly asked: AskedComparison;
  readonly model: OpenModel;
  readonly maxSide: number;
  readonly strict: boolean;
  readonly workers: number;
  /** Gets the pictures that cannot be read. */
  readonly leftOut: LeftOut;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What it came to. */
export interface Compared {
  readonly rows: readonly ComparisonRow[];
  /** The photos, by the index of an image in the rows. */
  readonly files: readonly string[];
}

/** The explainers by their names. */
export function explainersOf(methods: readonly ChosenMethod[]): Record<string, Explainer> {
  return Object.fromEntries(methods.map(({name, explainer}) => [name, explainer]));
}

/** The error where no picture is left. */
export function noneReadable(): CommandError {
  return new CommandError('None of the pictures can be read.', exitCodes.noPictures);
}
