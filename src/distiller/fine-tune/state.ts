/** An interrupted fine-tuning as one set of tfjs model artifacts. The model itself is made again from the one that was given. */
import {dispose, io, tidy, type Tensor} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {show} from '../../core/check.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {required} from '../../core/fields.js';
import {groupProblem} from '../../core/options.js';
import {VERSION} from '../../core/version.js';
import {newestCheckpoint} from '../save/checkpoint-places.js';
import {revivedHistory, savedTrainingField, type SavedTraining} from '../save/saved-training.js';
import {listNamed, nameLists} from '../save/state-tensors.js';
import {runPlaceFields, type LearnerVariables, type RunPlace, type RunTensors} from '../train/run-place.js';
import type {FineTuneProgress} from './progress.js';

const FORMAT = 'attentive-distiller fine-tuning';
const FORMAT_VERSION = 1;

/** Where a fine-tuning stands. */
export interface FineTuneState {
  readonly place: RunPlace;
  readonly tensors: RunTensors;
  readonly history: readonly FineTuneProgress[];
}

/** Packs a state, borrowed; the artifacts share no memory with it. */
export async function packState({place, tensors, history}: FineTuneState, serial: number): Promise<io.ModelArtifacts> {
  const named = tidy(() => nameLists(tensors));
  try {
    const {data, specs} = await io.encodeWeights(named);
    return {
      modelTopology: {format: FORMAT, formatVersion: FORMAT_VERSION},
      format: FORMAT,
      generatedBy: `attentive-distiller ${VERSION}`,
      convertedBy: null,
      weightSpecs: specs,
      weightData: data,
      userDefinedMetadata: {training: {serial, place, history}},
    };
  } finally {
    dispose(named.map(({tensor}) => tensor));
  }
}

type Training = SavedTraining<RunPlace, FineTuneProgress>;

const trainingField = savedTrainingField<RunPlace, FineTuneProgress>(runPlaceFields);

/**
 * Loads the newest state that is whole; the tensors are the caller's.
 *
 * @param where Names the caller in messages.
 * @param variables Of the model that is to go on from there.
 * @throws {ModelFileError} If there is none.
 * @throws {AttentiveError} If it is that of a model with other weights.
 */
export async function loadState(where: string, from: string, {all}: LearnerVariables): Promise<FineTuneState> {
  const {url, artifacts} = await newestCheckpoint(where, from);
  const {modelTopology, weightSpecs = [], weightData = new ArrayBuffer(0), userDefinedMetadata: metadata = {}} = artifacts;
  const {format, formatVersion} = modelTopology as {format?: string; formatVersion?: number};
  if (format !== FORMAT) throw new ModelFileError(`${url} does not hold a fine-tuning under way, but ${show(format)}.`);
  if (formatVersion !== FORMAT_VERSION) {
    throw new ModelFileError(
      `${url} has format version ${show(formatVersion)}, this release reads ${FORMAT_VERSION}: update attentive-distiller, or begin anew.`,
    );
  }
  const problem = groupProblem({training: required(trainingField)}, {training: metadata['training']});
  if (problem !== undefined)
    throw new ModelFileError(`${url} is damaged: its metadata${problem.path} must be ${problem.rule}, but is ${show(problem.value)}.`);
  const {place, history} = metadata['training'] as Training;
  const stored = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs);
  try {
    const weights = listNamed('weights', stored);
    const state = {
      place,
      history: revivedHistory(history),
      tensors: {weights, optimizer: listNamed('optimizer', stored), best: listNamed('best', stored)},
    };
    const other = weights.length === all.length ? weights.findIndex(({shape}, index) => show(shape) !== show(at(all, index).shape)) : 0;
    if (other < 0) return state;
    const form = (tensors: readonly Tensor[]): string => `${tensors.length} weights, the ${other + 1}th ${show(tensors[other]?.shape)}`;
    dispose(Object.values(state.tensors).flat());
    throw new AttentiveError(
      `${where}: resumeFrom holds the training of a model of ${form(weights)}, but this one has ${form(all)}. Give the model and the options that it began with.`,
    );
  } finally {
    dispose(stored);
  }
}
