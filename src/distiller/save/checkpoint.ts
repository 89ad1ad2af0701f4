/** A distiller as one set of tfjs model artifacts: its networks, and what is needed to use them. */
import {clone, dispose, io, tidy, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {show} from '../../core/check.js';
import {MAX_SEED} from '../../core/common-options.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {absentMeans, boolean, group, integer, required} from '../../core/fields.js';
import {groupProblem, type OptionsSchema} from '../../core/options.js';
import type {Teacher} from '../../core/types.js';
import {VERSION} from '../../core/version.js';
import {registerLayers} from '../../layers/register-layers.js';
import {buildLayersModel, disposeModel} from '../../tfjs/model-variables.js';
import type {SeededNetworks} from '../create.js';
import {methodFields, paperForm, type Method} from '../method.js';
import type {TrainingProgress} from '../progress.js';
import {placeFields, type TrainingPlace, type TrainingState, type TrainingTensors} from '../train/training-state.js';
import {packStudent, rebuildStudent, rebuiltFields, type RebuiltStudent} from './saved-student.js';
import {revivedHistory, savedTrainingField, type SavedTraining} from './saved-training.js';
import {listNamed, nameLists, under} from './state-tensors.js';
import {checkSameTeacher, probeFields, type TeacherProbe} from './teacher-probe.js';

/** What a saved distiller holds besides networks that are stored whole. */
interface CheckpointMetadata {
  readonly seed: number;
  readonly trainingMode: boolean;
  readonly teacher: TeacherProbe;
  readonly method: Method;
  /** Absent where the student is stored whole. */
  readonly student?: RebuiltStudent | undefined;
  /** Where a training stands that was written down in its course. */
  readonly training?: SavedTraining<TrainingPlace, TrainingProgress> | undefined;
}

const metadataFields: OptionsSchema<CheckpointMetadata>['fields'] = {
  seed: required(integer(0, MAX_SEED)),
  trainingMode: required(boolean()),
  teacher: required(group<TeacherProbe>(probeFields)),
  method: required(group<Method>(methodFields)),
  student: absentMeans(group<RebuiltStudent>(rebuiltFields), 'stored whole'),
  training: absentMeans(savedTrainingField<TrainingPlace, TrainingProgress>(placeFields), 'none'),
};

const FORMAT = 'attentive-distiller';
// Raised when older releases could not read what is written. 1 spelt the mode of a Δf 'normalised'; 1 and 2 knew the
// paper's form of the method alone; up to 3 every student was stored whole.
const FORMAT_VERSION = 4;

/** What is packed besides the networks. */
export interface Packed {
  readonly probe: TeacherProbe;
  /** What takes the place of a weight, borrowed; where there is nothing, the weight itself. */
  readonly inPlaceOf?: ((weight: Tensor) => Tensor | undefined) | undefined;
  /** A training under way, borrowed, and the number of this state of it. */
  readonly training?: TrainingState | undefined;
  readonly serial?: number | undefined;
}

/** Packs a distiller as it is at the time of the call; the artifacts share no memory with it. */
export async function packCheckpoint(
  {teacher, student, decoder, method, seed}: SeededNetworks,
  {probe, inPlaceOf, training, serial = 0}: Packed,
): Promise<io.ModelArtifacts> {
  const valueOf = (weight: Tensor): Tensor => inPlaceOf?.(weight) ?? weight;
  const decoderTopology = decoder.toJSON(null, false);
  const tensors = tidy(() => [
    ...decoder.weights.map((weight) => {
      return {name: `decoder:${weight.originalName}`, tensor: clone(valueOf(weight.read()))};
    }),
    ...nameLists(training?.tensors ?? {}),
  ]);
  try {
    const {rebuilt, topology, weights} = await packStudent(student, teacher, valueOf);
    for (const [name, tensor] of Object.entries(weights)) tensors.push({name: `student:${name}`, tensor});
    const {data, specs} = await io.encodeWeights(tensors);
    const metadata: CheckpointMetadata = {
      seed,
      trainingMode: student.trainingMode,
      // A student that is rebuilt has a checksum for each of the teacher's weights.
      teacher: rebuilt ? {...probe, weights: undefined} : probe,
      method,
      ...(rebuilt && {student: rebuilt}),
      ...(training && {training: {serial, place: training.place, history: training.history}}),
    };
    return {
      modelTopology: {format: FORMAT, formatVersion: FORMAT_VERSION, student: topology, decoder: decoderTopology},
      format: FORMAT,
      generatedBy: `${FORMAT} ${VERSION}`,
      convertedBy: null,
      weightSpecs: specs,
      weightData: data,
      userDefinedMetadata: metadata as unknown as Record<string, object>,
    };
  } finally {
    dispose(tensors.map(({tensor}) => tensor));
  }
}

/** A distiller that was saved, and where its training stood if that was under way. All of it is the caller's, but for the teacher. */
export interface Unpacked {
  readonly networks: SeededNetworks;
  readonly training: TrainingState | undefined;
}

/**
 * Builds the networks of a saved distiller again.
 *
 * @param where Names the caller in messages, `url` the save.
 * @throws {ModelFileError} If the artifacts are not a distiller's, damaged, or of a newer format.
 * @throws {AttentiveError} If it was distilled from another teacher.
 */
export async function unpackCheckpoint(
  {where, url, teacher}: {where: string; url: string; teacher: Teacher},
  artifacts: io.ModelArtifacts,
): Promise<Unpacked> {
  const {modelTopology, weightSpecs, weightData, userDefinedMetadata} = artifacts;
  const topology = modelTopology as {format?: string; formatVersion?: number; student: object; decoder: object} | undefined;
  if (topology?.format !== FORMAT || weightSpecs === undefined || weightData === undefined || userDefinedMetadata === undefined) {
    throw new ModelFileError(`${url} does not hold a saved AttentiveDistiller. (A plain tfjs model is loaded with loadLayersModel.)`);
  }
  const {formatVersion = 0} = topology;
  if (![1, 2, 3, FORMAT_VERSION].includes(formatVersion)) {
    throw new ModelFileError(
      `${url} has format version ${show(formatVersion)}, this release reads 1 to ${FORMAT_VERSION}: update attentive-distiller, or save again.`,
    );
  }
  registerLayers();
  const metadata = readMetadata(url, formatVersion < 3 ? {...userDefinedMetadata, method: paperForm} : userDefinedMetadata);
  const {method, seed, trainingMode, student: rebuilt, training} = metadata;
  await checkSameTeacher(where, teacher, metadata.teacher);
  const tensors = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs);
  const restored = (prefix: 'student' | 'decoder'): Promise<LayersModel> =>
    restoreModel(formatVersion === 1 ? respelt(topology[prefix]) : topology[prefix], under(prefix, tensors));
  try {
    const decoder = await restored('decoder');
    try {
      const model = await (rebuilt === undefined
        ? restored('student')
        : rebuildStudent({where, url, teacher, savedFor: metadata.teacher.name}, rebuilt, under('student', tensors)));
      return {
        networks: {teacher, student: {model, trainingMode}, decoder, method, seed},
        training: training && stateOf(training, tensors),
      };
    } catch (error) {
      disposeModel(decoder);
      throw error;
    }
  } catch (error) {
    if (error instanceof AttentiveError) throw error;
    throw new ModelFileError(`${url} could not be restored: ${(error as Error).message}`, {cause: error});
  } finally {
    dispose(tensors);
  }
}

/** The state of a training; its tensors are copies. */
function stateOf({place, history}: SavedTraining<TrainingPlace, TrainingProgress>, tensors: NamedTensorMap): TrainingState {
  const listed = (name: keyof TrainingTensors): Tensor[] => listNamed(name, tensors);
  return {
    place,
    history: revivedHistory(history),
    tensors: {
      weights: listed('weights'),
      optimizer: listed('optimizer'),
      means: listed('means'),
      guard: listed('guard'),
      best: listed('best'),
    },
  };
}

async function restoreModel(topology: object, weights: NamedTensorMap): Promise<LayersModel> {
  const model = await buildLayersModel(topology);
  try {
    model.loadWeights(weights);
    return model;
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

/** A topology of format version 1 with the words of today. */
function respelt(topology: object): object {
  const respell = (key: string, value: unknown): unknown => (key === 'mode' && value === 'normalised' ? 'normalized' : value);
  return JSON.parse(JSON.stringify(topology), respell) as object;
}

function readMetadata(url: string, {seed, trainingMode, teacher, method, student, training}: Record<string, unknown>): CheckpointMetadata {
  const metadata = {seed, trainingMode, teacher, method, student, training};
  const problem = groupProblem(metadataFields, metadata);
  if (problem === undefined) return metadata as CheckpointMetadata;
  throw new ModelFileError(
    `${url} is damaged: its metadata${problem.path} must be ${problem.rule}, but is ${show(problem.value)}. Save again.`,
  );
}
