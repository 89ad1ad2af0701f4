/**
 * The gradient of average pooling with padding. A window at the border averages over the pixels that
 * it has, but AvgPoolGrad of every backend except tfjs-node divides by all that it could have, so the
 * gradient there is too small; dividing dy by the share that each window covers corrects it.
 */
import {
  backend_util,
  div,
  engine,
  getGradient,
  registerGradient,
  tensor4d,
  type GradConfig,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';

const kernelName = 'AvgPool';

/** Installs the gradient, once per process. Without padding it is what it was. */
export function installAveragePoolGradient(): void {
  const original = getGradient(kernelName) as GradConfig | undefined;
  if (original === undefined || isMarked(original.gradFunc)) return;
  const gradFunc: GradConfig['gradFunc'] = (dy, saved, attributes) => {
    const info = poolInfo(saved[0] as Tensor4D, attributes as unknown as PoolAttributes);
    const {top, bottom, left, right} = info.padInfo;
    const isRight = engine().backendName === 'tensorflow' || Math.max(top, bottom, left, right) === 0;
    if (isRight) return original.gradFunc(dy, saved, attributes);
    return {x: () => (original.gradFunc(div(dy as Tensor, coverage(info)), saved, attributes)['x'] as () => Tensor)()};
  };
  registerGradient({...original, gradFunc: mark(gradFunc)});
}

interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type PoolInfo = ReturnType<typeof backend_util.computePool2DInfo>;

function poolInfo(x: Tensor4D, {filterSize, strides, pad, dimRoundingMode}: PoolAttributes): PoolInfo {
  return backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad, dimRoundingMode);
}

/** The share of each window that lies on the image, `[1,h,w,1]`. */
function coverage(info: PoolInfo): Tensor4D {
  const {outHeight, outWidth, padInfo} = info;
  const rows = covered(outHeight, info.inHeight, info.filterHeight, info.strideHeight, padInfo.top);
  const columns = covered(outWidth, info.inWidth, info.filterWidth, info.strideWidth, padInfo.left);
  return tensor4d(
    rows.flatMap((row) => columns.map((column) => row * column)),
    [1, outHeight, outWidth, 1],
  );
}

function covered(outSize: number, inSize: number, filterSize: number, stride: number, padBefore: number): number[] {
  return Array.from({length: outSize}, (_, out) => {
    const start = out * stride - padBefore;
    return (Math.min(inSize, start + filterSize) - Math.max(0, start)) / filterSize;
  });
}
