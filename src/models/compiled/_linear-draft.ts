/**
 * Convolutions, depthwise ones and dense layers with all that can be done in the same pass: the
 * batch norms behind them become part of the kernel and the bias, relu and relu6 part of the
 * kernel's writing. A batch norm that stands alone is the depthwise 1×1 convolution with a kernel of
 * ones, which on wasm is many times faster than the batch norm kernel.
 */
import {
  add,
  conv2d,
  fused,
  mul,
  ones,
  relu,
  relu6,
  reshape,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {affineOf, type NormWeights} from '../../layers/affine.js';
import type {CompiledRun, OwnTensor} from '../../layers/compiled-form.js';
import {fastConvolution} from '../../layers/fast-convolution.js';
import {denseOfInput, isUnderGradient, withInputGradient, type Fused} from '../../tfjs/gradients/input-only.js';
import {activationFunction} from '../../tfjs/layer-activation.js';
import type {SlotStep} from '../graph/run-steps.js';
import type {Draft} from './_draft.js';
import {optionsOf, weightIn, weightOf, type WeightReader} from './_layer-parts.js';

/** Zeros around a feature map, `[[top, bottom], [left, right]]`. */
export type Padding = readonly [readonly [number, number], readonly [number, number]];

/** A map `x · kernel + bias` in one of its forms. */
export interface LinearMap {
  readonly kernel: WeightReader;
  readonly bias: WeightReader | undefined;
  /** The shape in which one factor per output channel multiplies the kernel. */
  factorShape(kernel: Tensor): number[];
  apply(x: Tensor, kernel: Tensor, bias: Tensor | undefined, activation: Fused): Tensor;
}

interface ConvolutionOptions {
  readonly strides: [number, number];
  readonly padding: 'valid' | 'same';
  readonly dilationRate: [number, number];
}

const fusable: readonly string[] = ['relu', 'relu6'];

/** A linear map in the making. */
export class LinearDraft implements Draft {
  readonly inputs: readonly number[];
  outputs: readonly number[];
  readonly #map: LinearMap;
  readonly #norms: NormWeights[] = [];
  #activation: Fused = 'linear';
  /** What the kernels have no name for. */
  #after: ((x: Tensor) => Tensor) | undefined;

  constructor({inputs, outputs}: SlotStep, map: LinearMap) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#map = map;
  }

  /** Sets the layer's own activation. */
  activateLike(layer: layers.Layer): this {
    const {activation = 'linear'} = optionsOf<{activation?: string}>(layer);
    if (activation === 'linear' || this.followWithActivation(activation)) return this;
    this.#after = activationFunction(layer);
    return this;
  }

  followWithNorm(norm: layers.Layer): boolean {
    if (this.#activation !== 'linear' || this.#after !== undefined) return false;
    this.#norms.push(normWeights(norm));
    return true;
  }

  followWithActivation(activation: string): boolean {
    if (this.#activation !== 'linear' || this.#after !== undefined || !fusable.includes(activation)) return false;
    this.#activation = activation as Fused;
    return true;
  }

  finish(own: OwnTensor): CompiledRun {
    const map = this.#map;
    const activation = this.#activation;
    const after = this.#after;
    let {kernel, bias} = map;
    if (this.#norms.length > 0) {
      const folded = tidy(() => this.#norms.reduce((weights, norm) => fold(map, weights, norm), {kernel: kernel(), bias: bias?.()}));
      const [ownKernel, ownBias] = [own(folded.kernel), own(folded.bias as Tensor)];
      [kernel, bias] = [() => ownKernel, () => ownBias];
    }
    return ([x]) => {
      const y = map.apply(x as Tensor, kernel(), bias?.(), activation);
      return after === undefined ? y : after(y);
    };
  }
}

/** Finds the weights of a BatchNormalization layer. */
function normWeights(layer: layers.Layer): NormWeights {
  return {
    gamma: weightOf(layer, 'gamma'),
    beta: weightOf(layer, 'beta'),
    mean: weightIn(layer, 'moving_mean'),
    variance: weightIn(layer, 'moving_variance'),
    epsilon: optionsOf<{epsilon: number}>(layer).epsilon,
  };
}

interface Weights {
  readonly kernel: Tensor;
  readonly bias: Tensor | undefined;
}

/** `(x·k + b) · factor + shift = x·(k · factor) + (b · factor + shift)`. */
function fold(map: LinearMap, {kernel, bias}: Weights, norm: NormWeights): Weights {
  const {factor, shift} = affineOf(norm);
  return {kernel: mul(kernel, reshape(factor, map.factorShape(kernel))), bias: bias === undefined ? shift : add(mul(bias, factor), shift)};
}

/** A Conv2D layer, channels last. Zeros around its input come as `padding`. */
export function convolution(layer: layers.Layer, padding: Padding | undefined): LinearMap {
  const {strides, dilationRate, ...options} = optionsOf<ConvolutionOptions>(layer);
  const pad = padOf(options.padding, padding);
  return {
    kernel: weightIn(layer, 'kernel'),
    bias: weightOf(layer, 'bias'),
    factorShape: ({shape}) => [shape.at(-1) as number],
    apply: (image, filter, bias, activation) => {
      const common = {filter: filter as Tensor4D, strides, pad, dilations: dilationRate, ...(bias && {bias})};
      const forward = (x: Tensor): Tensor => fastConvolution({...common, x: x as Tensor4D, activation});
      if (Math.max(...dilationRate) > 1 && isUnderGradient()) return dilated(image, common, activation);
      const attributes = {strides, pad: pad as number, dilations: dilationRate, dataFormat: 'NHWC'};
      return withInputGradient(image, forward, {kernelName: 'Conv2DBackpropInput', filter, activation, attributes});
    },
  };
}

/** A DepthwiseConv2D layer, channels last; like the layer, it does without dilation. */
export function depthwiseConvolution(layer: layers.Layer, padding: Padding | undefined): LinearMap {
  const {strides, ...options} = optionsOf<ConvolutionOptions>(layer);
  return depthwise(weightIn(layer, 'depthwise_kernel'), weightOf(layer, 'bias'), strides, padOf(options.padding, padding));
}

/** The identity on `channels` channels, for what follows it. */
export function identityMap(channels: number): LinearMap {
  return depthwise(() => ones([1, 1, channels, 1]), undefined, [1, 1], 'valid');
}

/** A Dense layer on rows. */
export function dense(layer: layers.Layer): LinearMap {
  return {
    kernel: weightIn(layer, 'kernel'),
    bias: weightOf(layer, 'bias'),
    factorShape: ({shape}) => [at(shape, 1)],
    apply: (x, filter, bias, activation) => denseOfInput(x as Tensor2D, filter as Tensor2D, bias as Tensor1D | undefined, activation),
  };
}

/** In steps, since the kernels of the gradient know no dilation on most backends and conv2d gets around that. */
function dilated(
  x: Tensor,
  {filter, strides, pad, dilations, bias}: Omit<Parameters<typeof fused.conv2d>[0], 'x'>,
  activation: Fused,
): Tensor {
  const y = conv2d(x as Tensor4D, filter as Tensor4D, strides, pad, 'NHWC', dilations);
  const shifted = bias === undefined ? y : add<Tensor4D>(y, bias);
  return activation === 'linear' ? shifted : {relu, relu6}[activation](shifted);
}

type Pad = Parameters<typeof fused.conv2d>[0]['pad'];

function depthwise(kernel: WeightReader, bias: WeightReader | undefined, strides: [number, number], pad: Pad): LinearMap {
  return {
    kernel,
    bias,
    factorShape: ({shape}) => shape.slice(2), // Output channels run over inputs first.
    apply: (image, filter, shift, activation) => {
      const common = {filter: filter as Tensor4D, strides, pad: pad as 'valid', ...(shift && {bias: shift})};
      const forward = (x: Tensor): Tensor => fused.depthwiseConv2d({...common, x: x as Tensor4D, activation});
      const attributes = {strides, pad: pad as number, dilations: [1, 1], dataFormat: 'NHWC'};
      return withInputGradient(image, forward, {kernelName: 'DepthwiseConv2dNativeBackpropInput', filter, activation, attributes});
    },
  };
}

function padOf(padding: 'valid' | 'same', [rows, columns]: Padding | readonly [undefined, undefined] = [undefined, undefined]): Pad {
  return rows === undefined ? padding : [[0, 0], [...rows], [...columns], [0, 0]];
}
