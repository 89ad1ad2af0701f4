/** Artifacts in which everything says the same number, so that halves of two do not pass for one. */
import type {io} from '@tensorflow/tfjs-core';

/** Makes the artifacts of a version. */
export function artifactsOf(version: number, length: number = 1000): io.ModelArtifacts {
  return {
    format: 'layers-model',
    generatedBy: 'test',
    convertedBy: null,
    modelTopology: {class_name: 'Model', config: {name: `version ${version}`}},
    weightSpecs: [
      {name: 'kernel', shape: [length - 1], dtype: 'float32'},
      {name: `bias${version}`, shape: [], dtype: 'float32'},
    ],
    weightData: new Float32Array(length).fill(version).buffer,
    userDefinedMetadata: {version, text: 'ä', nested: {list: [1, null, 'x']}},
  };
}
