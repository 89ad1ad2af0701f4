/**
 * The classifier that gets explained: four stages of convolutions at 32, 16, 8 and 4 pixels, global
 * average pooling and a softmax. Small enough to be trained in minutes and to sit in the repository.
 */
import * as layers from '@tensorflow/tfjs-layers';
import type {SymbolicTensor} from '@tensorflow/tfjs-layers';
import {classNames, SIZE} from './shapes.js';

/** Filters of every convolution, stage by stage; the first of each stage halves the picture. */
const STAGES: readonly (readonly number[])[] = [[16, 24], [32, 48], [64, 64], [96]];

/**
 * Builds the untrained teacher. Input `[N,64,64,3]` in [−1,1] (preprocessing `'tf'`), output `[N,8]`
 * probabilities in the order of {@link classNames}.
 *
 * @param seed Start of the weights.
 * @param size Edge of the input; the weights fit every size.
 */
export function buildTeacher(seed: number, size: number = SIZE): layers.LayersModel {
  const input = layers.input({shape: [size, size, 3], name: 'image'});
  let x: SymbolicTensor = input;
  STAGES.forEach((stage, stageIndex) => {
    stage.forEach((filters, index) => {
      const name = `stage${stageIndex + 1}_${index + 1}`;
      const kernelInitializer = layers.initializers.heNormal({seed: seed + 10 * stageIndex + index});
      const strides = index === 0 ? 2 : 1;
      const conv = layers.layers.conv2d({
        filters,
        kernelSize: 3,
        strides,
        padding: 'same',
        useBias: false,
        kernelInitializer,
        name: `${name}_conv`,
      });
      // The usual 0.99 forgets too slowly for a run of a few hundred steps.
      const norm = layers.layers.batchNormalization({momentum: 0.95, name: `${name}_norm`});
      const relu = layers.layers.reLU({name: `${name}_relu`});
      x = relu.apply(norm.apply(conv.apply(x))) as SymbolicTensor;
    });
  });
  x = layers.layers.globalAveragePooling2d({name: 'pool'}).apply(x) as SymbolicTensor; // [N,96]
  const kernelInitializer = layers.initializers.glorotUniform({seed: seed + 100});
  x = layers.layers.dense({units: classNames.length, activation: 'softmax', kernelInitializer, name: 'class'}).apply(x) as SymbolicTensor;
  return layers.model({inputs: input, outputs: x, name: 'shapes_teacher'});
}
