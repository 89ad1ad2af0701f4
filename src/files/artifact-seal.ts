/** A checksum over all of a save, for places that keep no files: tfjs hands such artifacts on field by field. */
import {io} from '@tensorflow/tfjs-core';
import {checksumOf} from '../core/checksum.js';
import {ModelFileError} from '../core/errors/model-file-error.js';

const KEY = 'seal';

/** Returns the artifacts with their checksum among the metadata. */
export function sealArtifacts(artifacts: io.ModelArtifacts): io.ModelArtifacts {
  return {...artifacts, userDefinedMetadata: {...artifacts.userDefinedMetadata, [KEY]: sealOf(artifacts)}};
}

/**
 * Returns the artifacts without the checksum that {@link sealArtifacts} added; those of older releases have none.
 *
 * @throws {ModelFileError} If they are not what was saved.
 */
export function unsealArtifacts(where: string, url: string, artifacts: io.ModelArtifacts): io.ModelArtifacts {
  const {[KEY]: seal, ...userDefinedMetadata} = artifacts.userDefinedMetadata ?? {};
  if (seal === undefined) return artifacts;
  const unsealed = {...artifacts, userDefinedMetadata};
  if (sealOf(unsealed) === seal) return unsealed;
  throw new ModelFileError(`${where}: ${url} does not have the content that was saved (its checksum differs). Save again.`);
}

/** Of topology, shapes and metadata as JSON, and of the weights. */
function sealOf({modelTopology, weightSpecs = [], weightData = new ArrayBuffer(0), userDefinedMetadata = {}}: io.ModelArtifacts): string {
  const text = JSON.stringify([modelTopology, weightSpecs, userDefinedMetadata]);
  return [new TextEncoder().encode(text), new Uint8Array(io.CompositeArrayBuffer.join(weightData))].map(checksumOf).join('');
}
