/**
 * How each layer becomes an operation: those that bring their compiled form in that, those of tfjs that the compiler
 * knows in one of its own, and every other layer as it is.
 */
import {add, relu, relu6, type Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {isCompilable, type CompiledRun} from '../../layers/compiled-form.js';
import {isOfClass} from '../../tfjs/registered-class.js';
import {isOfKind} from '../graph/layer-kinds.js';
import type {Step} from '../graph/plan.js';
import type {Draft} from './_draft.js';
import {optionsOf} from './_layer-parts.js';
import {LinearDraft, convolution, dense, depthwiseConvolution, identityMap, type LinearMap, type Padding} from './_linear-draft.js';

/** A step as the operations see it. */
export interface PlacedStep extends Step {
  /** The slot and the zeros, where the only input is zeros around the value of another slot. */
  readonly padded?: {readonly slot: number; readonly padding: Padding} | undefined;
}

/** Makes the operation of a step. */
export function draftOf(step: PlacedStep): Draft {
  const {layer, className} = step;
  if (isCompilable(layer)) return plainDraft(step, (own) => layer.compiledForm(own));
  const make = isOfClass(layer, className) ? tfjsLayers[className] : undefined;
  return make?.(step) ?? plainDraft(step, () => asItIs(step));
}

/** Whether a layer hands on its input in inference. */
export function isIdentity({layer, className}: Step): boolean {
  return isOfClass(layer, className) && (isOfKind(className, 'dropping') || activationOf(layer) === 'linear');
}

/** The activation that a layer consists of, where it has a name. */
export function activationOf(layer: layers.Layer): string | undefined {
  if (isOfClass(layer, 'Activation')) return optionsOf<{activation: string}>(layer).activation;
  if (!isOfClass(layer, 'ReLU')) return undefined;
  const {maxValue} = optionsOf<{maxValue?: number | null}>(layer);
  if (maxValue == null) return 'relu';
  return maxValue === 6 ? 'relu6' : undefined;
}

/** Whether a layer is a batch norm over the last axis. */
export function isNorm({layer, outputShape}: Step): boolean {
  if (!isOfClass(layer, 'BatchNormalization')) return false;
  // Keras writes a list of one as well.
  const axis = Number([optionsOf<{axis: number | readonly number[]}>(layer).axis].flat()[0]);
  return axis === -1 || axis === outputShape.length - 1;
}

/** The zeros that a layer puts around its input, where it does nothing else. */
export function paddingOf(layer: layers.Layer): Padding | undefined {
  if (!isOfClass(layer, 'ZeroPadding2D')) return undefined;
  const {padding, dataFormat} = optionsOf<{padding: Padding; dataFormat: string}>(layer);
  return dataFormat === 'channelsLast' ? padding : undefined;
}

type Maker = (step: PlacedStep) => Draft | undefined;

const activations: Readonly<Record<string, CompiledRun>> = {relu: ([x]) => relu(x as Tensor), relu6: ([x]) => relu6(x as Tensor)};

const tfjsLayers: Readonly<Record<string, Maker>> = {
  Activation: activating,
  Add: (step) => plainDraft(step, () => summing(step)),
  BatchNormalization: (step) => {
    if (!isNorm(step) || step.outputShape.length !== 4) return undefined;
    const draft = new LinearDraft(step, identityMap(at(step.outputShape, 3) as number));
    return draft.followWithNorm(step.layer) ? draft : undefined;
  },
  Conv2D: (step) => convolving(step, convolution),
  Dense: (step) => (step.outputShape.length === 2 ? new LinearDraft(step, dense(step.layer)).activateLike(step.layer) : undefined),
  DepthwiseConv2D: (step) => convolving(step, depthwiseConvolution),
  ReLU: activating,
};

function plainDraft({inputs, outputs}: PlacedStep, finish: Draft['finish']): Draft {
  return {inputs, outputs, finish};
}

function asItIs({layer}: PlacedStep): CompiledRun {
  return (inputs) => layer.apply([...inputs], {training: false}) as ReturnType<CompiledRun>;
}

function activating(step: PlacedStep): Draft | undefined {
  const run = activations[activationOf(step.layer) ?? ''];
  return run && plainDraft(step, () => run);
}

function summing(step: PlacedStep): CompiledRun {
  const bringTogether = asItIs(step);
  return (inputs) =>
    inputs.every(({rank}) => rank === inputs[0]?.rank) ? inputs.reduce((sum, each) => add(sum, each)) : bringTogether(inputs);
}

function convolving(step: PlacedStep, map: (layer: layers.Layer, padding: Padding | undefined) => LinearMap): Draft | undefined {
  const {layer, padded} = step;
  const {dataFormat, padding} = optionsOf<{dataFormat: string; padding: string}>(layer);
  if (dataFormat !== 'channelsLast') return undefined;
  const joins = padded !== undefined && padding === 'valid';
  const from = joins ? {inputs: [padded.slot], outputs: step.outputs} : step;
  return new LinearDraft(from, map(layer, joins ? padded.padding : undefined)).activateLike(layer);
}
