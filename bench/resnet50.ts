/**
 * A ResNet-50 (He et al. 2016, version 1, the stride on the first convolution of a block, as in
 * Keras' applications) with random weights: convolution, batch norm and activation as layers of
 * their own, as trained models come. What is computed does not matter to a clock.
 */
import {initializers, input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';

interface Convolution extends Pick<Parameters<typeof layers.conv2d>[0], 'filters' | 'kernelSize' | 'strides' | 'padding'> {
  readonly name: string;
  /** Whether a relu follows the batch norm. */
  readonly rectifies: boolean;
  /** Gamma of the batch norm. @default 1 */
  readonly scale?: number;
}

const blocksPerStage = [3, 4, 6, 3];
// Keras' constant for this network.
const EPSILON = 1.001e-5;
// What a block adds is small beside what it gets, so that values do not grow from block to block.
const BRANCH_SCALE = 0.2;

/** Builds the network for `[N,inputSize,inputSize,3]`, softmax at the end; the same weights every time. The caller's. */
export function resnet50(inputSize: number = 224, classes: number = 1000): LayersModel {
  let seed = 0;
  const convolution = (x: SymbolicTensor, config: Convolution): SymbolicTensor => {
    const {name, rectifies, scale = 1, ...rest} = config;
    const kernelInitializer = initializers.heNormal({seed: ++seed});
    const y = then(
      x,
      layers.conv2d({...rest, kernelInitializer, name: `${name}_conv`}),
      layers.batchNormalization({epsilon: EPSILON, gammaInitializer: initializers.constant({value: scale}), name: `${name}_bn`}),
    );
    return rectifies ? then(y, layers.activation({activation: 'relu', name: `${name}_relu`})) : y;
  };
  const block = (x: SymbolicTensor, filters: number, strides: number, projects: boolean, name: string): SymbolicTensor => {
    const shortcut = projects ? convolution(x, {filters: 4 * filters, kernelSize: 1, strides, rectifies: false, name: `${name}_0`}) : x;
    let y = convolution(x, {filters, kernelSize: 1, strides, rectifies: true, name: `${name}_1`});
    y = convolution(y, {filters, kernelSize: 3, padding: 'same', rectifies: true, name: `${name}_2`});
    y = convolution(y, {filters: 4 * filters, kernelSize: 1, rectifies: false, scale: BRANCH_SCALE, name: `${name}_3`});
    return then(
      layers.add({name: `${name}_add`}).apply([shortcut, y]) as SymbolicTensor,
      layers.activation({activation: 'relu', name: `${name}_out`}),
    );
  };

  const image = input({shape: [inputSize, inputSize, 3], name: 'image'});
  const padded = then(image, layers.zeroPadding2d({padding: 3, name: 'conv1_pad'}));
  let x = convolution(padded, {filters: 64, kernelSize: 7, strides: 2, rectifies: true, name: 'conv1'});
  x = then(x, layers.zeroPadding2d({padding: 1, name: 'pool1_pad'}), layers.maxPooling2d({poolSize: 3, strides: 2, name: 'pool1_pool'}));
  for (const [stage, blocks] of blocksPerStage.entries()) {
    for (let index = 0; index < blocks; index++) {
      x = block(x, 64 * 2 ** stage, stage > 0 && index === 0 ? 2 : 1, index === 0, `conv${stage + 2}_block${index + 1}`);
    }
  }
  const probabilities = then(
    x,
    layers.globalAveragePooling2d({name: 'avg_pool'}),
    layers.dense({
      units: classes,
      activation: 'softmax',
      kernelInitializer: initializers.glorotUniform({seed: ++seed}),
      name: 'predictions',
    }),
  );
  return model({inputs: image, outputs: probabilities, name: 'resnet50'});
}

function then(x: SymbolicTensor, ...steps: layers.Layer[]): SymbolicTensor {
  return steps.reduce((value, step) => step.apply(value) as SymbolicTensor, x);
}
