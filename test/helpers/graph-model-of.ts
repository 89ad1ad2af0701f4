/** GraphModels written by hand, as the converter would write them, for forms that no stored model has. */
import {loadGraphModel, type GraphModel} from '@tensorflow/tfjs-converter';
import type {io} from '@tensorflow/tfjs-core';

/** A node: its name, what it computes, what it reads, and its attributes in the words of TensorFlow. */
export type NodeOf = readonly [name: string, op: string, reads: readonly string[], attributes?: Readonly<Record<string, unknown>>];

/** A constant, whole numbers where `whole` says so. */
export interface ConstantOf {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly whole?: boolean;
}

/** Attributes of a convolution that keeps the size. */
export const sameSize: Readonly<Record<string, unknown>> = {
  strides: {list: {i: ['1', '1', '1', '1']}},
  dilations: {list: {i: ['1', '1', '1', '1']}},
  data_format: {s: 'TkhXQw=='},
  padding: {s: 'U0FNRQ=='},
};

/** Returns artifacts of a graph from `x`, `[N,8,8,3]`, to its last node. */
export function graphArtifactsOf(nodes: readonly NodeOf[], constants: Readonly<Record<string, ConstantOf>>): io.ModelArtifacts {
  const names = Object.keys(constants);
  const isWhole = (name: string): boolean => constants[name]!.whole === true;
  const type = (whole: boolean): object => ({type: whole ? 'DT_INT32' : 'DT_FLOAT'});
  const size = {dim: ['-1', '8', '8', '3'].map((each) => ({size: each}))};
  const parts = names.map((name) => new (isWhole(name) ? Int32Array : Float32Array)(constants[name]!.values));
  const bytes = Uint8Array.from(parts.flatMap((part) => [...new Uint8Array(part.buffer)]));
  return {
    format: 'graph-model',
    modelTopology: {
      versions: {producer: 1},
      node: [
        ...names.map((name) => ({name, op: 'Const', attr: {dtype: type(isWhole(name))}})),
        {name: 'x', op: 'Placeholder', attr: {dtype: type(false), shape: {shape: size}}},
        ...nodes.map(([name, op, input, attr]) => ({name, op, input, attr: {T: type(false), ...attr}})),
      ],
    },
    signature: {
      inputs: {x: {name: 'x:0', dtype: 'DT_FLOAT', tensorShape: size}},
      outputs: {y: {name: `${nodes.at(-1)![0]}:0`, dtype: 'DT_FLOAT'}},
    },
    weightSpecs: names.map((name) => ({name, shape: [...constants[name]!.shape], dtype: isWhole(name) ? 'int32' : 'float32'})),
    weightData: bytes.buffer,
  };
}

/** Builds that graph; the caller disposes it. */
export function graphModelOf(nodes: readonly NodeOf[], constants: Readonly<Record<string, ConstantOf>>): Promise<GraphModel> {
  return loadGraphModel({load: () => Promise.resolve(graphArtifactsOf(nodes, constants))});
}
