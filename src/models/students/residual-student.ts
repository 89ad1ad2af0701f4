/**
 * The paper's student (Lee & Kim, section 3.3, figure 3): a residual network (He et al. 2016, with
 * the stride on the 3×3 convolution) whose last three stages carry a CBAM in every block, after
 * the last batch norm and before the residual add. Δf is tapped in the last block of each.
 */
import {input, initializers, layers, model, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {integer, oneOf, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {Teacher} from '../../core/types.js';
import {AttentionDelta, type DeltaMode} from '../../layers/attention-delta.js';
import {CBAM} from '../../layers/cbam.js';
import {builderOf, deltaField, MAX_FILTERS, ratioField, type Student, type StudentBuilder} from './student.js';
import {withoutLeftovers} from '../../tfjs/model-variables.js';

/** Options of {@link residualStudent}. */
export interface ResidualStudentOptions {
  /** 18 and 34 use basic blocks, 50 bottlenecks. @default 50 */
  readonly depth?: 18 | 34 | 50 | undefined;
  /** Filters of the first stage, 1–8192; the next ones double it. @default 64 */
  readonly width?: number | undefined;
  /**
   * `'imagenet'`: 7×7 stride 2 and max pooling; `'small'`: 3×3 stride 1, for inputs of up to 64
   * pixels; `'auto'` decides by the input's shorter side. @default 'auto'
   */
  readonly stem?: 'auto' | 'imagenet' | 'small' | undefined;
  /** Reduction in the channel gates, at least 1. @default 16 */
  readonly ratio?: number | undefined;
  /** How Δf reaches the decoder. @default 'normalized' */
  readonly delta?: DeltaMode | undefined;
}

const blocksPerStage = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]} as const;

// PyTorch's constants for residual networks; Keras counts momentum the other way round.
const BATCH_NORM = {epsilon: 1e-5, momentum: 0.9} as const;
const LARGEST_SMALL_INPUT = 64;

/** The options of {@link residualStudent}. */
export const residualStudentSchema: OptionsSchema<Settled<ResidualStudentOptions>> = {
  where: 'residualStudent',
  fields: {
    depth: withDefault(oneOf<18 | 34 | 50>(18, 34, 50), 50),
    width: withDefault(integer(1, MAX_FILTERS), 64),
    stem: withDefault(oneOf('auto', 'imagenet', 'small'), 'auto'),
    ratio: ratioField,
    delta: deltaField,
  },
};

/**
 * Returns a builder of residual students with fresh weights, whatever the teacher's architecture.
 *
 * @throws {TypeError} If an option is unknown or of the wrong kind; by the builder, if the teacher or the seed is.
 * @throws {RangeError} If an option is outside its range.
 */
export function residualStudent(options?: ResidualStudentOptions): StudentBuilder {
  const settings = readOptions(residualStudentSchema, options);
  return builderOf('residualStudent', (teacher, seed) => withoutLeftovers(() => build(teacher, settings, seed)));
}

/** A convolution with its batch norm. */
interface Convolution {
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly name: string;
}

/** A residual block. */
interface Block {
  readonly filters: number;
  readonly strides: number;
  readonly name: string;
  /** Whether it carries a CBAM. */
  readonly attends: boolean;
  /** Whether its Δf goes to the decoder. */
  readonly isTapped: boolean;
}

function build(teacher: Teacher, {depth, width, stem, ratio, delta}: Settled<ResidualStudentOptions>, seed: number): Student {
  const random = new Random(seed).split('residual-student');
  const small = stem === 'small' || (stem === 'auto' && Math.min(...teacher.inputShape.slice(0, 2)) <= LARGEST_SMALL_INPUT);
  const isBottleneck = depth === 50;

  const convolution = (x: SymbolicTensor, {filters, kernelSize, strides, name}: Convolution): SymbolicTensor => {
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
  const rectified = (x: SymbolicTensor, convolved: Convolution): SymbolicTensor =>
    relu(convolution(x, convolved), `${convolved.name}_relu`);

  const deltas: SymbolicTensor[] = [];
  const block = (x: SymbolicTensor, {filters, strides, name, attends, isTapped}: Block): SymbolicTensor => {
    const outFilters = isBottleneck ? 4 * filters : filters;
    let y: SymbolicTensor;
    if (isBottleneck) {
      y = rectified(x, {filters, kernelSize: 1, strides: 1, name: `${name}_1`});
      y = rectified(y, {filters, kernelSize: 3, strides, name: `${name}_2`});
      y = convolution(y, {filters: outFilters, kernelSize: 1, strides: 1, name: `${name}_3`});
    } else {
      y = rectified(x, {filters, kernelSize: 3, strides, name: `${name}_1`});
      y = convolution(y, {filters: outFilters, kernelSize: 3, strides: 1, name: `${name}_2`});
    }
    if (attends) {
      const attended = new CBAM({ratio, seed: random.split(`${name}_cbam`).seed, name: `${name}_cbam`}).apply(y) as SymbolicTensor;
      if (isTapped) deltas.push(new AttentionDelta({mode: delta, name: `${name}_delta`}).apply([attended, y]) as SymbolicTensor);
      y = attended;
    }
    const isProjected = strides !== 1 || x.shape.at(-1) !== outFilters;
    const shortcut = isProjected ? convolution(x, {filters: outFilters, kernelSize: 1, strides, name: `${name}_0`}) : x;
    return relu(layers.add({name: `${name}_add`}).apply([shortcut, y]) as SymbolicTensor, `${name}_out`);
  };

  const image = input({shape: [...teacher.inputShape], name: 'image'});
  let x = rectified(image, {filters: width, ...(small ? {kernelSize: 3, strides: 1} : {kernelSize: 7, strides: 2}), name: 'conv1'});
  if (!small) x = layers.maxPooling2d({poolSize: 3, strides: 2, padding: 'same', name: 'pool1'}).apply(x) as SymbolicTensor;
  for (const [stage, blocks] of blocksPerStage[depth].entries()) {
    for (let index = 0; index < blocks; index++) {
      x = block(x, {
        filters: width * 2 ** stage,
        strides: stage > 0 && index === 0 ? 2 : 1,
        name: `conv${stage + 2}_block${index + 1}`,
        attends: stage > 0,
        isTapped: stage > 0 && index === blocks - 1,
      });
    }
  }
  const pooled = layers.globalAveragePooling2d({name: 'avg_pool'}).apply(x);
  const kernelInitializer = initializers.glorotUniform({seed: random.split('logits').int(0x7fffffff)});
  const logits = layers.dense({units: teacher.numClasses, kernelInitializer, name: 'logits'}).apply(pooled) as SymbolicTensor;
  return {model: model({inputs: image, outputs: [logits, ...deltas], name: `residual_student_${depth}`}), trainingMode: true};
}
