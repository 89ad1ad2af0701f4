/** The sample classifier as the two files of a GraphModel, as tfjs-converter writes them of a SavedModel. */
import {SIDE} from '../sample/squares.js';
import {convolutions, head} from '../sample/weights.js';

const float = {type: 'DT_FLOAT'};

/** @returns {Record<'model.json' | 'weights.bin', string | Uint8Array>} The files by their names. */
export function graphModel() {
  const weights = [
    ...[...convolutions, head].flatMap(({name, size, kernel, bias}) => [
      {name: `${name}/kernel`, shape: size === undefined ? [3, 3] : [size, size, 3, 3], dtype: 'float32', values: kernel},
      {name: `${name}/bias`, shape: [3], dtype: 'float32', values: bias},
    ]),
    {name: 'mean/axes', shape: [2], dtype: 'int32', values: [1, 2]},
  ];
  const node = (op, name, input, attr = {}) => ({op, name, input, attr: {T: float, ...attr}});
  const nodes = [
    {op: 'Placeholder', name: 'image', attr: {dtype: float, shape: {shape: {dim: [-1, SIDE, SIDE, 3].map((size) => ({size: `${size}`}))}}}},
    ...weights.map(({name, dtype, shape}) => ({
      op: 'Const',
      name,
      attr: {
        dtype: dtype === 'int32' ? {type: 'DT_INT32'} : float,
        value: {tensor: {tensorShape: {dim: shape.map((size) => ({size: `${size}`}))}}},
      },
    })),
    ...convolutions.flatMap(({name, size}, index) => [
      node('Conv2D', `${name}/product`, [convolutions[index - 1]?.name ?? 'image', `${name}/kernel`], {
        strides: {list: {i: ['1', `${size}`, `${size}`, '1']}},
        dilations: {list: {i: ['1', '1', '1', '1']}},
        padding: {s: btoa('VALID')},
        data_format: {s: btoa('NHWC')},
      }),
      node('BiasAdd', `${name}/sum`, [`${name}/product`, `${name}/bias`], {data_format: {s: btoa('NHWC')}}),
      node('Relu', name, [`${name}/sum`]),
    ]),
    node('Mean', 'mean', [convolutions.at(-1).name, 'mean/axes'], {keep_dims: {b: false}, Tidx: {type: 'DT_INT32'}}),
    node('MatMul', 'product', ['mean', `${head.name}/kernel`], {transpose_a: {b: false}, transpose_b: {b: false}}),
    node('BiasAdd', 'logits', ['product', `${head.name}/bias`], {data_format: {s: btoa('NHWC')}}),
    node('Softmax', 'scores', ['logits']),
  ];
  const bytes = weights.map(({dtype, values}) => new Uint8Array((dtype === 'int32' ? Int32Array : Float32Array).from(values).buffer));
  return {
    'model.json': JSON.stringify({
      format: 'graph-model',
      modelTopology: {node: nodes, library: {}, versions: {producer: 1645}},
      weightsManifest: [{paths: ['weights.bin'], weights: weights.map(({name, shape, dtype}) => ({name, shape, dtype}))}],
    }),
    'weights.bin': Uint8Array.from(bytes.flatMap((each) => [...each])),
  };
}
