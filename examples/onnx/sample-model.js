/** The sample classifier as a file of ONNX: convolutions with ReLU, the mean over the picture, a softmax. */
import protobuf from 'protobufjs';
import {SIDE} from '../sample/squares.js';
import {convolutions, head} from '../sample/weights.js';

// What such a model needs of onnx.proto.
const {root} = protobuf.parse(`
  syntax = "proto3";
  message Model { int64 irVersion = 1; Graph graph = 7; repeated Opset opsetImport = 8; }
  message Opset { string domain = 1; int64 version = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Weight initializer = 5; repeated Value input = 11; repeated Value output = 12; }
  message Node { repeated string input = 1; repeated string output = 2; string opType = 4; repeated Attribute attribute = 5; }
  message Attribute { string name = 1; repeated int64 ints = 8 [packed = false]; int32 type = 20; }
  message Weight { repeated int64 dims = 1; int32 dataType = 2; string name = 8; bytes rawData = 9; }
  message Value { string name = 1; Type type = 2; }
  message Type { TensorType tensorType = 1; }
  message TensorType { int32 elemType = 1; Shape shape = 2; }
  message Shape { repeated Dim dim = 1; }
  message Dim { int64 dimValue = 1; string dimParam = 2; }
`);

const FLOAT = 1;
const INTS = 7;

/** @returns {Uint8Array} The bytes of the file. */
export function onnxModel() {
  const weight = (name, dims, values) => ({name, dims, dataType: FLOAT, rawData: new Uint8Array(Float32Array.from(values).buffer)});
  const value = (name, ...dims) => ({
    name,
    type: {
      tensorType: {
        elemType: FLOAT,
        shape: {dim: dims.map((dim) => (typeof dim === 'string' ? {dimParam: dim} : {dimValue: dim}))},
      },
    },
  });
  const node = (opType, input, output, sizes = {}) => ({
    opType,
    input,
    output: [output],
    attribute: Object.entries(sizes).map(([name, ints]) => ({name, ints, type: INTS})),
  });
  const model = {
    irVersion: 8,
    opsetImport: [{domain: '', version: 13}],
    graph: {
      name: 'colours',
      input: [value('image', 'N', 3, SIDE, SIDE)],
      output: [value('scores', 'N', 3)],
      initializer: [...convolutions, head].flatMap(({name, size, kernel, bias}) => [
        size === undefined
          ? weight(`${name}/kernel`, [3, 3], kernel)
          : weight(`${name}/kernel`, [3, 3, size, size], channelsFirst(kernel, size)),
        weight(`${name}/bias`, [3], bias),
      ]),
      node: [
        ...convolutions.flatMap(({name, size}, index) => [
          node('Conv', [convolutions[index - 1]?.name ?? 'image', `${name}/kernel`, `${name}/bias`], `${name}/sum`, {
            kernel_shape: [size, size],
            strides: [size, size],
          }),
          node('Relu', [`${name}/sum`], name),
        ]),
        node('GlobalAveragePool', [convolutions.at(-1).name], 'mean'),
        node('Flatten', ['mean'], 'features'),
        node('Gemm', ['features', `${head.name}/kernel`, `${head.name}/bias`], 'logits'),
        node('Softmax', ['logits'], 'scores'),
      ],
    },
  };
  return root.lookupType('Model').encode(model).finish();
}

/** A kernel `[size, size, in, out]` as `[out, in, size, size]`. */
function channelsFirst(kernel, size) {
  return Array.from({length: kernel.length}, (_, place) => {
    const [inner, cell] = [Math.floor(place / size ** 2), place % size ** 2];
    const [output, input] = [Math.floor(inner / 3), inner % 3];
    return kernel[cell * 9 + input * 3 + output];
  });
}
