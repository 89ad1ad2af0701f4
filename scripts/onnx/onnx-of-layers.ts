/** A small LayersModel as ONNX, channels first: convolutions, poolings, dense layers and their activations. */
import {tidy, transpose, type Tensor} from '@tensorflow/tfjs-core';
import type {layers, Sequential} from '@tensorflow/tfjs-layers';
import {onnxFile, type OnnxModel, type OnnxNode} from './onnx-model.js';

const activations: Readonly<Record<string, string>> = {relu: 'Relu', sigmoid: 'Sigmoid', softmax: 'Softmax', tanh: 'Tanh'};

/**
 * Converts a chain of layers.
 *
 * @throws {Error} If a layer is of another class.
 */
export async function onnxOfLayers(model: Sequential): Promise<Uint8Array> {
  const nodes: OnnxNode[] = [];
  const weights: Record<string, OnnxModel['weights'][string]> = {};
  let value = 'image';
  const add = (op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}): void => {
    const output = `value${nodes.length}`;
    nodes.push({op, inputs: [value, ...inputs], output, attributes});
    value = output;
  };
  const store = async (layer: layers.Layer, index: number, order: readonly number[]): Promise<string> => {
    const name = `${layer.name}/${index}`;
    const placed = tidy(() => transpose(layer.getWeights()[index] as Tensor, [...order]));
    weights[name] = {shape: placed.shape, values: await placed.data()};
    placed.dispose();
    return name;
  };
  for (const layer of model.layers) {
    const {activation, kernelSize, strides, poolSize, useBias} = layer.getConfig() as {
      activation?: string;
      kernelSize: number[];
      strides: number[];
      poolSize: number[];
      useBias: boolean;
    };
    const className = layer.getClassName();
    if (className === 'Conv2D') {
      const inputs = [await store(layer, 0, [3, 2, 0, 1]), ...(useBias ? [await store(layer, 1, [0])] : [])];
      add('Conv', inputs, {kernel_shape: kernelSize, strides});
    } else if (className === 'AveragePooling2D') add('AveragePool', [], {kernel_shape: poolSize, strides});
    else if (className === 'GlobalAveragePooling2D') {
      add('GlobalAveragePool', []);
      add('Flatten', []);
    } else if (className === 'Dense') add('Gemm', [await store(layer, 0, [0, 1]), await store(layer, 1, [0])]);
    else if (className !== 'InputLayer') throw new Error(`${className} is not known here`);
    if (typeof activation === 'string' && activation !== 'linear') add(activations[activation] ?? activation, []);
  }
  const [, height, width, channels] = model.inputs[0]?.shape as [null, number, number, number];
  const units = model.outputs[0]?.shape.at(-1) as number;
  return onnxFile({
    input: {name: 'image', shape: ['N', channels, height, width]},
    output: {name: value, shape: ['N', units]},
    nodes,
    weights,
  });
}
