/** The sample classifier as the two files of a tfjs LayersModel. */
import {SIDE} from './squares.js';
import {convolutions, head} from './weights.js';

/** @returns {Record<'model.json' | 'weights.bin', string | Uint8Array<ArrayBuffer>>} The files by their names. */
export function layersModel() {
  const layers = [
    ...convolutions.map(({name, size}, index) => ({
      class_name: 'Conv2D',
      config: {
        name,
        filters: 3,
        kernel_size: [size, size],
        strides: [size, size],
        activation: 'relu',
        ...(index === 0 && {batch_input_shape: [null, SIDE, SIDE, 3], dtype: 'float32'}),
      },
    })),
    {class_name: 'GlobalAveragePooling2D', config: {name: 'mean'}},
    {class_name: 'Dense', config: {name: head.name, units: 3, activation: 'softmax'}},
  ];
  const weighted = [...convolutions.map((layer) => ({...layer, shape: [layer.size, layer.size, 3, 3]})), {...head, shape: [3, 3]}];
  const weights = weighted.flatMap(({name, shape}) => [
    {name: `${name}/kernel`, shape, dtype: 'float32'},
    {name: `${name}/bias`, shape: [3], dtype: 'float32'},
  ]);
  return {
    'model.json': JSON.stringify({
      format: 'layers-model',
      modelTopology: {class_name: 'Sequential', config: {name: 'colours', layers}, keras_version: '2.15.0', backend: 'tensorflow'},
      weightsManifest: [{paths: ['weights.bin'], weights}],
    }),
    'weights.bin': new Uint8Array(Float32Array.from(weighted.flatMap(({kernel, bias}) => [...kernel, ...bias])).buffer),
  };
}
