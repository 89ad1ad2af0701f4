/**
 * Lets Identity, Cast to what a tensor is already, and Reshape share the values of their input at once, on WebGPU. They do
 * nothing to a value, but as kernels each costs as much of the processor as one that does, and a pass back runs thousands:
 * everything that is saved for it is cloned, and most slopes are cast and reshaped to what they are.
 */
import {engine, util, type KernelBackend, type NamedAttrMap, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import {isMarked, mark} from './mark.js';

type RunKernel = (kernelName: string, inputs: NamedTensorMap, attributes?: NamedAttrMap) => unknown;

/** As much of tfjs' engine as is touched here; some of it is private. */
interface Engine {
  runKernel: RunKernel;
  readonly backendName: string;
  readonly state: {readonly profiling: boolean; readonly tensorInfo: WeakMap<object, {readonly backend: KernelBackend}>};
  isTapeOn(): boolean;
  makeTensorFromDataId(dataId: object, shape: number[], dtype: Tensor['dtype'], backend: KernelBackend): Tensor;
}

/** Wraps the engine's `runKernel`, once per process. What a gradient may be asked of, and what is profiled, runs as it did. */
export function installValueSharing(): void {
  const tfjs = engine() as unknown as Engine;
  const original = tfjs.runKernel;
  if (isMarked(original)) return;
  tfjs.runKernel = mark((kernelName: string, inputs: NamedTensorMap, attributes?: NamedAttrMap): unknown => {
    const shape = sharedShape(kernelName, inputs['x'], attributes);
    const mayShare = shape !== undefined && tfjs.backendName === 'webgpu' && !tfjs.isTapeOn() && !tfjs.state.profiling;
    return (mayShare ? shared(tfjs, inputs['x'] as Tensor, shape) : undefined) ?? original.call(tfjs, kernelName, inputs, attributes);
  });
}

/** The shape of the result, where its values are those of x. */
function sharedShape(kernelName: string, x: Tensor | undefined, attributes: NamedAttrMap = {}): number[] | undefined {
  if (x === undefined || x.dtype === 'string' || x.dtype === 'complex64') return undefined;
  if (kernelName === 'Identity' || (kernelName === 'Cast' && attributes['dtype'] === x.dtype)) return x.shape;
  if (kernelName !== 'Reshape') return undefined;
  const shape = attributes['shape'] as number[];
  // Where the sizes differ, tfjs has the words for it.
  return shape.every((size) => size >= 0) && util.sizeFromShape(shape) === x.size ? shape : undefined;
}

/** Another tensor with the same values; nothing where they are on another backend, which has to move them. */
function shared(tfjs: Engine, {dataId, dtype}: Tensor, shape: number[]): Tensor | undefined {
  const backend = tfjs.state.tensorInfo.get(dataId)?.backend;
  if (backend === undefined || backend !== engine().backend) return undefined;
  backend.incRef(dataId);
  return tfjs.makeTensorFromDataId(dataId, [...shape], dtype, backend);
}
