/**
 * The one switch that makes the wasm backend able to train, WebGPU train fast, and batch normalisation differentiable.
 * It changes tfjs' global registries, so it is a call and never a side effect of an import.
 */
import {installBatchNormGradient} from './batch-norm/gradient.js';
import {installBatchNormLayer} from './batch-norm/layer.js';
import {installBatchNormTrainingGradient} from './batch-norm/training.js';
import {installChannelGateGradient} from './channel-gate.js';
import {installAveragePoolGradient} from './gradients/average-pool.js';
import {installDilatedGradients} from './gradients/dilated.js';
import {installGateGradients} from './gradients/gates.js';
import {installNearestGradient} from './gradients/nearest.js';
import {installReductionGradients} from './gradients/reductions.js';
import {installOnNative} from './native/install.js';
import {checkTfjsVersion} from './tfjs-version.js';
import {installOnWasm} from './wasm/install.js';
import {installOnWebgpu} from './webgpu/install.js';

/**
 * Installs what tfjs 4.22 lacks for training.
 *
 * On every registered backend:
 * - tf.layers' BatchNormalization in training and under a gradient, which fails without `gamma` or `beta`
 *   (tensorflow/tfjs#2868), and a faster gradient of batch normalisation;
 * - the gradients of dilated convolutions, which tfjs refuses;
 * - the gradient of upsampling to the nearest neighbour by whole factors, which on cpu is wrong after
 *   the first image of a batch;
 * - the gradient of average pooling with padding, which is too small at the border everywhere but on
 *   tfjs-node;
 * - the gradients of sums and means, which make a tensor of ones on the processor and send it to the device
 *   (cpu, which is the processor, keeps its own).
 *
 * On webgpu, where it is loaded:
 * - batch normalisation in training and its gradient, the channel gate of CBAM, the gradients of rectifiers and of
 *   clipping, and a step of an optimiser run as a few programs each;
 * - the gradient of a convolution's filter is computed as a product of matrices;
 * - Identity, Cast and Reshape share the values of their input without a kernel.
 *
 * On `tensorflow`, where tfjs-node is loaded:
 * - convolutions and their gradients take padding in numbers;
 * - the gradients of rectifiers and of clipping get faster forms;
 * - where TensorFlow has no card, batch normalisation in training and its gradient, and a step of an optimiser are one of its
 *   operations each;
 * - the functions of Node's `util` that tfjs-node calls and Node 23 has removed are there again.
 *
 * On wasm, where its kernels are loaded:
 * - Conv2DBackpropFilter, DepthwiseConv2dNativeBackpropInput, DepthwiseConv2dNativeBackpropFilter,
 *   UnsortedSegmentSum and Einsum are added where they are missing;
 * - MaxPoolGrad, which is wrong in windows of negative values, is replaced;
 * - Conv2D and FusedConv2D under a gradient, Conv2DBackpropInput, BatchMatMul with a transposed
 *   factor, Sum, Mean and Max, Concat, Slice, SplitV, Tile, Identity, and the gradients of Sum,
 *   Mean, Max, ClipByValue, Relu and Relu6 get faster forms, and so does tf.layers'
 *   BatchNormalization in training.
 * - where the memory of 4 GiB is full, it throws a BackendError instead of computing with wrong values.
 *
 * The gradients on wasm run in a SIMD WebAssembly module that this library carries; it starts with
 * the first of them.
 *
 * Safe to call twice; call it again after a backend has been imported later. `selectBackend`,
 * `AttentiveDistiller` and every method that takes gradients call it themselves. The results of other code that uses the same backends
 * stay the same, to rounding.
 *
 * @throws {BackendError} If tfjs is of another minor version than 4.22, whose inner parts nobody has looked at.
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-wasm';
 * import {setBackend} from '@tensorflow/tfjs-core';
 * import {installTrainingKernels} from 'attentive-distiller';
 *
 * await setBackend('wasm');
 * installTrainingKernels();
 * ```
 */
export function installTrainingKernels(): void {
  checkTfjsVersion('installTrainingKernels');
  installAveragePoolGradient();
  installBatchNormGradient();
  installBatchNormLayer();
  installBatchNormTrainingGradient();
  installChannelGateGradient();
  installDilatedGradients();
  installGateGradients();
  installNearestGradient();
  installReductionGradients();
  installOnNative();
  installOnWasm();
  installOnWebgpu();
}
