/** A model that Keras has written, as tf.layers reads it: topology and weights, wherever they come from. */
import {io} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {weightsByteLength} from '../weight-size.js';
import {adaptTopology} from './topology.js';
import {kerasVersion} from './version.js';
import {weightNames} from './weight-names.js';

/**
 * Translates artifacts; those that tf.layers has saved itself come back as they are. `registerLayers()` has to be called
 * before they are built.
 *
 * @param file Names them in messages.
 * @returns New artifacts; `weightData` is shared where all of it is used.
 * @throws {ModelFileError} If a layer cannot be computed as Keras does, or it cannot be told whose a weight is.
 */
export function translateKeras(file: string, artifacts: io.ModelArtifacts): io.ModelArtifacts {
  const {modelTopology, weightSpecs = [], weightData} = artifacts;
  if (modelTopology === undefined || modelTopology instanceof ArrayBuffer) return artifacts;
  const version = kerasVersion(modelTopology);
  if (version === undefined) return artifacts;
  const adapted = {...artifacts, modelTopology: adaptTopology(file, modelTopology)};
  if (version.major < 3) return adapted;
  const names = weightNames(file, modelTopology, weightSpecs);
  const renamed = weightSpecs.map((spec, index) => ({...spec, name: names[index] ?? spec.name}));
  if (!names.includes(undefined) || weightData === undefined) return {...adapted, weightSpecs: renamed};
  const bytes = new Uint8Array(io.CompositeArrayBuffer.join(weightData));
  const kept: ArrayBuffer[] = [];
  let offset = 0;
  for (const [index, spec] of weightSpecs.entries()) {
    const length = weightsByteLength(file, [spec]);
    if (at(names, index) !== undefined) kept.push(bytes.slice(offset, offset + length).buffer);
    offset += length;
  }
  return {
    ...adapted,
    weightSpecs: renamed.filter((_, index) => names[index] !== undefined),
    weightData: io.CompositeArrayBuffer.join(kept),
  };
}
