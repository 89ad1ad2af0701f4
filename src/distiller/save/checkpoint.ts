/** A distiller as one set of tfjs model artifacts: both networks, and what is needed to use them. */
import {dispose, io, type Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {checkInteger} from '../../core/check.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {VERSION} from '../../core/version.js';
import {buildLayersModel} from '../../tfjs/build-layers-model.js';
import {registerLayers} from '../../layers/register-layers.js';
import {disposeModel} from '../../tfjs/dispose-model.js';
import type {Student} from '../../models/student.js';
import type {TeacherProbe} from './teacher-probe.js';

/** What a saved distiller holds besides weights. */
export interface CheckpointMetadata {
  readonly seed: number;
  readonly trainingMode: boolean;
  readonly teacher: TeacherProbe;
}

/** The networks and metadata of a saved distiller. */
export interface Checkpoint extends CheckpointMetadata {
  readonly student: Student;
  readonly decoder: LayersModel;
}

const FORMAT = 'attentive-distiller';
// Raised when older releases could not read what is written.
const FORMAT_VERSION = 1;

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
  if (topology.formatVersion !== FORMAT_VERSION) {
    throw new ModelFileError(
      `${url} has format version ${topology.formatVersion}, this release reads ${FORMAT_VERSION}: update attentive-distiller, or save again.`,
    );
  }
  registerLayers();
  const metadata = userDefinedMetadata as unknown as CheckpointMetadata;
  checkInteger(`${url}: seed`, metadata.seed);
  const tensors = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs);
  const built: LayersModel[] = [];
  try {
    const restore = async (prefix: 'student' | 'decoder'): Promise<LayersModel> => {
      const model = await buildLayersModel(topology[prefix]);
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
