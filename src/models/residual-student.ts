/**
 * The paper's student (Lee & Kim, section 3.3, figure 3): a residual network (He et al. 2016, with
 * the stride on the 3×3 convolution) whose last three stages carry a CBAM in every block, after
 * the last batch norm and before the residual add. Δf is tapped in the last block of each.
 */
import {input, initializers, layers, model, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {checkInteger, checkOneOf} from '../core/check.js';
import {Random} from '../core/random.js';
import {withoutLeftovers} from '../core/tensors.js';
import type {Teacher} from '../core/types.js';
import {AttentionDelta, type DeltaMode} from '../layers/attention-delta.js';
import {CBAM} from '../layers/cbam.js';
import type {Student, StudentBuilder, StudentBuilderOptions} from './student.js';

/** Options of {@link residualStudent}. */
export interface ResidualStudentOptions {
  /** 18 and 34 use basic blocks, 50 bottlenecks. @default 50 */
  readonly depth?: 18 | 34 | 50 | undefined;
  /** Filters of the first stage; the next ones double it. @default 64 */
  readonly width?: number | undefined;
  /**
   * `'imagenet'`: 7×7 stride 2 and max pooling; `'small'`: 3×3 stride 1, for inputs of up to 64
   * pixels; `'auto'` decides by the input's shorter side. @default 'auto'
   */
  readonly stem?: 'auto' | 'imagenet' | 'small' | undefined;
  /** Reduction in the channel gates. @default 16 */
  readonly ratio?: number | undefined;
  /** How Δf reaches the decoder. @default 'normalised' */
  readonly delta?: DeltaMode | undefined;
}

const blocksPerStage = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]} as const;

// PyTorch's constants for residual networks; Keras counts momentum the other way round.
const BATCH_NORM = {epsilon: 1e-5, momentum: 0.9} as const;
const LARGEST_SMALL_INPUT = 64;

/**
 * Returns a builder of residual students with fresh weights, whatever the teacher's architecture.
 *
 * @throws {RangeError} If an option is outside its range.
 */
export function residualStudent(options: ResidualStudentOptions = {}): StudentBuilder {
  const {depth = 50, width = 64, stem = 'auto', ratio = 16, delta = 'normalised'} = options;
  checkOneOf('residualStudent: depth', String(depth), Object.keys(blocksPerStage));
  checkInteger('residualStudent: width', width, 1);
  checkOneOf('residualStudent: stem', stem, ['auto', 'imagenet', 'small']);
  return (teacher, {seed}) => withoutLeftovers(() => build(teacher, {depth, width, stem, ratio, delta, seed}));
}

type Settings = Required<{[K in keyof ResidualStudentOptions]: NonNullable<ResidualStudentOptions[K]>}> & StudentBuilderOptions;

function build(teacher: Teacher, settings: Settings): Student {
  const {depth, width, stem, ratio, delta, seed} = settings;
  const random = new Random(seed).split('residual-student');
  const small = stem === 'small' || (stem === 'auto' && Math.min(...teacher.inputShape.slice(0, 2)) <= LARGEST_SMALL_INPUT);

  const convolution = (x: SymbolicTensor, filters: number, kernelSize: number, strides: number, name: string): SymbolicTensor => {
    const kernelInitializer = initializers.heNormal({seed: random.split(name).int(0x7fffffff)});
    const convolved = layers.conv2d({
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer,
      name: `${name}_conv`,
    });
    return layers.batchNormalization({...BATCH_NORM, name: `${name}_bn`}).apply(convolved.apply(x)) as SymbolicTensor;
  };
  const relu = (x: SymbolicTensor, name: string): SymbolicTensor =>
    layers.activation({activation: 'relu', name}).apply(x) as SymbolicTensor;

  const deltas: SymbolicTensor[] = [];
  const block = (x: SymbolicTensor, filters: number, strides: number, name: string, attend: boolean, tap: boolean): SymbolicTensor => {
    const outFilters = depth === 50 ? 4 * filters : filters;
    let y: SymbolicTensor;
    if (depth === 50) {
      y = relu(convolution(x, filters, 1, 1, `${name}_1`), `${name}_1_relu`);
      y = relu(convolution(y, filters, 3, strides, `${name}_2`), `${name}_2_relu`);
      y = convolution(y, outFilters, 1, 1, `${name}_3`);
    } else {
      y = relu(convolution(x, filters, 3, strides, `${name}_1`), `${name}_1_relu`);
      y = convolution(y, outFilters, 3, 1, `${name}_2`);
    }
    if (attend) {
      const attended = new CBAM({ratio, seed: random.split(`${name}_cbam`).seed, name: `${name}_cbam`}).apply(y) as SymbolicTensor;
      if (tap) deltas.push(new AttentionDelta({mode: delta, name: `${name}_delta`}).apply([attended, y]) as SymbolicTensor);
      y = attended;
    }
    const projected = strides !== 1 || x.shape.at(-1) !== outFilters;
    const shortcut = projected ? convolution(x, outFilters, 1, strides, `${name}_0`) : x;
    return relu(layers.add({name: `${name}_add`}).apply([shortcut, y]) as SymbolicTensor, `${name}_out`);
  };

  const image = input({shape: [...teacher.inputShape], name: 'image'});
  let x = relu(small ? convolution(image, width, 3, 1, 'conv1') : convolution(image, width, 7, 2, 'conv1'), 'conv1_relu');
  if (!small) x = layers.maxPooling2d({poolSize: 3, strides: 2, padding: 'same', name: 'pool1'}).apply(x) as SymbolicTensor;
  for (const [stage, blocks] of blocksPerStage[depth].entries()) {
    for (let index = 0; index < blocks; index++) {
      const strides = stage > 0 && index === 0 ? 2 : 1;
      x = block(x, width * 2 ** stage, strides, `conv${stage + 2}_block${index + 1}`, stage > 0, stage > 0 && index === blocks - 1);
    }
  }
  const pooled = layers.globalAveragePooling2d({name: 'avg_pool'}).apply(x);
  const kernelInitializer = initializers.glorotUniform({seed: random.split('logits').int(0x7fffffff)});
  const logits = layers.dense({units: teacher.numClasses, kernelInitializer, name: 'logits'}).apply(pooled) as SymbolicTensor;
  return {model: model({inputs: image, outputs: [logits, ...deltas], name: `residual_student_${depth}`}), trainingMode: true};
}
