/** A distiller as one set of tfjs model artifacts: its networks, and what is needed to use them. */
import {clone, dispose, io, tidy, type NamedTensorMap} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {show} from '../../core/check.js';
import {MAX_SEED} from '../../core/common-options.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {absentMeans, boolean, group, integer, list, number, required, text} from '../../core/fields.js';
import {groupProblem, type OptionsSchema} from '../../core/options.js';
import type {Teacher} from '../../core/types.js';
import {VERSION} from '../../core/version.js';
import {registerLayers} from '../../layers/register-layers.js';
import {buildLayersModel, disposeModel} from '../../tfjs/model-variables.js';
import type {SeededNetworks} from '../create.js';
import {methodFields, paperForm, type Method} from '../method.js';
import {packStudent, rebuildStudent, rebuiltFields, type RebuiltStudent} from './saved-student.js';
import {checkSameTeacher, type TeacherProbe} from './teacher-probe.js';

/** What a saved distiller holds besides networks that are stored whole. */
interface CheckpointMetadata {
  readonly seed: number;
  readonly trainingMode: boolean;
  readonly teacher: TeacherProbe;
  readonly method: Method;
  /** Absent where the student is stored whole. */
  readonly student?: RebuiltStudent | undefined;
}

const metadataFields: OptionsSchema<CheckpointMetadata>['fields'] = {
  seed: required(integer(0, MAX_SEED)),
  trainingMode: required(boolean()),
  teacher: required(
    group<TeacherProbe>({
      name: required(text()),
      inputShape: required(list(integer(1))),
      numClasses: required(integer(1)),
      logits: required(list(number(), 1)),
    }),
  ),
  method: required(group<Method>(methodFields)),
  student: absentMeans(group<RebuiltStudent>(rebuiltFields), 'stored whole'),
};

const FORMAT = 'attentive-distiller';
// Raised when older releases could not read what is written. 1 spelt the mode of a Δf 'normalised'; 1 and 2 knew the
// paper's form of the method alone; up to 3 every student was stored whole.
const FORMAT_VERSION = 4;

/** Packs a distiller as it is at the time of the call; the artifacts share no memory with it. */
export async function packCheckpoint(
  {teacher, student, decoder, method, seed}: SeededNetworks,
  probe: TeacherProbe,
): Promise<io.ModelArtifacts> {
  const decoderTopology = decoder.toJSON(null, false);
  const tensors = tidy(() => decoder.weights.map((weight) => ({name: `decoder:${weight.originalName}`, tensor: clone(weight.read())})));
  try {
    const {rebuilt, topology, weights} = await packStudent(student, teacher);
    for (const [name, tensor] of Object.entries(weights)) tensors.push({name: `student:${name}`, tensor});
    const {data, specs} = await io.encodeWeights(tensors);
    const metadata = {seed, trainingMode: student.trainingMode, teacher: probe, method};
    return {
      modelTopology: {format: FORMAT, formatVersion: FORMAT_VERSION, student: topology, decoder: decoderTopology},
      format: FORMAT,
      generatedBy: `${FORMAT} ${VERSION}`,
      convertedBy: null,
      weightSpecs: specs,
      weightData: data,
      userDefinedMetadata: rebuilt === undefined ? metadata : {...metadata, student: rebuilt},
    };
  } finally {
    dispose(tensors.map(({tensor}) => tensor));
  }
}

/**
 * Builds the networks of a saved distiller again. They belong to the caller, but for the teacher.
 *
 * @param where Names the caller in messages, `url` the save.
 * @throws {ModelFileError} If the artifacts are not a distiller's, damaged, or of a newer format.
 * @throws {AttentiveError} If it was distilled from another teacher.
 */
export async function unpackCheckpoint(
  {where, url, teacher}: {where: string; url: string; teacher: Teacher},
  artifacts: io.ModelArtifacts,
): Promise<SeededNetworks> {
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
  const {method, seed, trainingMode, student: rebuilt} = metadata;
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
      return {teacher, student: {model, trainingMode}, decoder, method, seed};
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

/** The tensors `prefix:name`, by name. */
function under(prefix: string, tensors: NamedTensorMap): NamedTensorMap {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(`${prefix}:`));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length + 1), tensor]));
}

/** A topology of format version 1 with the words of today. */
function respelt(topology: object): object {
  const respell = (key: string, value: unknown): unknown => (key === 'mode' && value === 'normalised' ? 'normalized' : value);
  return JSON.parse(JSON.stringify(topology), respell) as object;
}

function readMetadata(url: string, {seed, trainingMode, teacher, method, student}: Record<string, unknown>): CheckpointMetadata {
  const metadata = {seed, trainingMode, teacher, method, student};
  const problem = groupProblem(metadataFields, metadata);
  if (problem === undefined) return metadata as CheckpointMetadata;
  throw new ModelFileError(
    `${url} is damaged: its metadata${problem.path} must be ${problem.rule}, but is ${show(problem.value)}. Save again.`,
  );
}
