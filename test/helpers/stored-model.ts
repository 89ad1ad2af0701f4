/** A network that lies inside a family of expected numbers. */
import {loadLayersModel, type LayersModel} from '@tensorflow/tfjs-layers';

/** Topology and weights as the families write them. */
export interface StoredModel {
  name: string;
  modelTopology: object;
  weightSpecs: object[];
  weightData: {values: Float32Array};
}

/** Builds the network; the caller disposes it. */
export async function loadStoredModel({modelTopology, weightSpecs, weightData}: StoredModel): Promise<LayersModel> {
  const artifacts = {modelTopology, weightSpecs: weightSpecs as never[], weightData: weightData.values.slice().buffer};
  return loadLayersModel({load: () => Promise.resolve(artifacts)});
}
