/** A distiller as one set of tfjs model artifacts: both networks, and what is needed to use them. */
import {dispose, io, type Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {show} from '../../core/check.js';
import {MAX_SEED} from '../../core/common-options.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {boolean, group, integer, list, number, required, text} from '../../core/fields.js';
import {groupProblem, type OptionsSchema} from '../../core/options.js';
import {VERSION} from '../../core/version.js';
import {registerLayers} from '../../layers/register-layers.js';
import type {Student} from '../../models/students/student.js';
import {methodFields, paperForm, type Method} from '../method.js';
import type {TeacherProbe} from './teacher-probe.js';
import {buildLayersModel, disposeModel} from '../../tfjs/model-variables.js';

/** What a saved distiller holds besides weights. */
export interface CheckpointMetadata {
  readonly seed: number;
  readonly trainingMode: boolean;
  readonly teacher: TeacherProbe;
  readonly method: Method;
}

/** The networks and metadata of a saved distiller. */
export interface Checkpoint extends CheckpointMetadata {
  readonly student: Student;
  readonly decoder: LayersModel;
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
};

const FORMAT = 'attentive-distiller';
// Raised when older releases could not read what is written. 1 spelt the mode of a Δf 'normalised'; 1 and 2 knew the
// paper's form of the method alone.
const FORMAT_VERSION = 3;

/** Packs a distiller; the artifacts share no memory with it. */
export async function packCheckpoint({student, decoder, ...metadata}: Checkpoint): Promise<io.ModelArtifacts> {
  const networks = {student: student.model, decoder};
  const weights = Object.entries(networks).flatMap(([prefix, model]) =>
    model.weights.map((weight) => ({name: `${prefix}:${weight.originalName}`, tensor: weight.read()})),
  );
  const {data, specs} = await io.encodeWeights(weights);
  const topology = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    student: student.model.toJSON(null, false),
    decoder: decoder.toJSON(null, false),
  };
  return {
    modelTopology: topology,
    format: FORMAT,
    generatedBy: `${FORMAT} ${VERSION}`,
    convertedBy: null,
    weightSpecs: specs,
    weightData: data,
    userDefinedMetadata: {...metadata},
  };
}

/**
 * Builds the networks of a saved distiller again. They belong to the caller.
 *
 * @throws {ModelFileError} If the artifacts are not a distiller's, or of a newer format.
 */
export async function unpackCheckpoint(artifacts: io.ModelArtifacts, url: string): Promise<Checkpoint> {
  const {modelTopology, weightSpecs, weightData, userDefinedMetadata} = artifacts;
  const topology = modelTopology as {format?: string; formatVersion?: number; student: object; decoder: object} | undefined;
  if (topology?.format !== FORMAT || weightSpecs === undefined || weightData === undefined || userDefinedMetadata === undefined) {
    throw new ModelFileError(`${url} does not hold a saved AttentiveDistiller. (A plain tfjs model is loaded with loadLayersModel.)`);
  }
  const {formatVersion = 0} = topology;
  if (![1, 2, FORMAT_VERSION].includes(formatVersion)) {
    throw new ModelFileError(
      `${url} has format version ${show(formatVersion)}, this release reads 1 to ${FORMAT_VERSION}: update attentive-distiller, or save again.`,
    );
  }
  registerLayers();
  const metadata = readMetadata(url, formatVersion < FORMAT_VERSION ? {...userDefinedMetadata, method: paperForm} : userDefinedMetadata);
  const tensors = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs);
  const built: LayersModel[] = [];
  try {
    const restore = async (prefix: 'student' | 'decoder'): Promise<LayersModel> => {
      const model = await buildLayersModel(formatVersion === 1 ? respelt(topology[prefix]) : topology[prefix]);
      built.push(model);
      const own = Object.entries(tensors).filter(([name]) => name.startsWith(`${prefix}:`));
      model.loadWeights(Object.fromEntries(own.map(([name, tensor]): [string, Tensor] => [name.slice(prefix.length + 1), tensor])));
      return model;
    };
    const student = {model: await restore('student'), trainingMode: metadata.trainingMode};
    return {...metadata, student, decoder: await restore('decoder')};
  } catch (error) {
    for (const model of built) disposeModel(model);
    throw new ModelFileError(`${url} could not be restored: ${(error as Error).message}`, {cause: error});
  } finally {
    dispose(tensors);
  }
}

/** A topology of format version 1 with the words of today. */
function respelt(topology: object): object {
  const respell = (key: string, value: unknown): unknown => (key === 'mode' && value === 'normalised' ? 'normalized' : value);
  return JSON.parse(JSON.stringify(topology), respell) as object;
}

function readMetadata(url: string, {seed, trainingMode, teacher, method}: Record<string, unknown>): CheckpointMetadata {
  const metadata = {seed, trainingMode, teacher, method};
  const problem = groupProblem(metadataFields, metadata);
  if (problem === undefined) return metadata as CheckpointMetadata;
  throw new ModelFileError(
    `${url} is damaged: its metadata${problem.path} must be ${problem.rule}, but is ${show(problem.value)}. Save again.`,
  );
}
