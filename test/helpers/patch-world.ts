/**
 * A world whose truth is known: noise images of 16×24 pixels with one bright 4×4 patch, whose colour
 * is the class. The teacher is exact by construction: it looks for pure colours and nothing else.
 */
import {tensor1d, tensor2d, tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential, type Sequential} from '@tensorflow/tfjs-layers';
import {Random} from '../../src/core/random.js';

export const HEIGHT = 16;
export const WIDTH = 24;
const SIDE = 4;

/** One image with the place of its patch. */
export interface PatchImage {
  data: Float32Array;
  label: number;
  top: number;
  left: number;
}

/** Draws image `index`: noise in ±0.3, the patch at 2 in the channel `label`. */
export function patchImage(index: number): PatchImage {
  const random = new Random(99).split(index);
  const data = Float32Array.from({length: HEIGHT * WIDTH * 3}, () => random.uniform(-0.3, 0.3));
  const label = random.int(3);
  const top = random.int(HEIGHT - SIDE + 1);
  const left = random.int(WIDTH - SIDE + 1);
  for (let y = top; y < top + SIDE; y++) {
    for (let x = left; x < left + SIDE; x++) data[(y * WIDTH + x) * 3 + label] = 2;
  }
  return {data, label, top, left};
}

/** Images `from` … `from + count − 1` as one tensor, the caller's. */
export function patchBatch(from: number, count: number): {images: Tensor4D; labels: number[]} {
  const items = Array.from({length: count}, (_, index) => patchImage(from + index));
  const values = new Float32Array(count * HEIGHT * WIDTH * 3);
  items.forEach(({data}, index) => values.set(data, index * data.length));
  return {images: tensor4d(values, [count, HEIGHT, WIDTH, 3]), labels: items.map(({label}) => label)};
}

/** Whether a pixel of the image lies on its patch. */
export function onPatch({top, left}: PatchImage, pixel: number): boolean {
  const y = Math.floor(pixel / WIDTH);
  const x = pixel % WIDTH;
  return y >= top && y < top + SIDE && x >= left && x < left + SIDE;
}

/**
 * Three stages that halve the image, each keeping "how much pure colour is here" per channel: a 1×1
 * convolution that subtracts noise, then average pooling and identity convolutions.
 */
export function patchTeacher(): Sequential {
  const identity = (name: string): layers.Layer => layers.conv2d({filters: 6, kernelSize: 1, activation: 'relu', name});
  const model = sequential({
    name: 'patch_teacher',
    layers: [
      layers.conv2d({inputShape: [HEIGHT, WIDTH, 3], filters: 6, kernelSize: 1, activation: 'relu', name: 'stage_1'}),
      layers.averagePooling2d({poolSize: 2, name: 'pool_1'}),
      identity('stage_2'),
      layers.averagePooling2d({poolSize: 2, name: 'pool_2'}),
      identity('stage_3'),
      layers.globalAveragePooling2d({name: 'mean'}),
      layers.dense({units: 3, activation: 'softmax', name: 'classes'}),
    ],
  });
  const eye = Float32Array.from({length: 36}, (_, at) => (Math.floor(at / 6) === at % 6 ? 1 : 0));
  const zeros = tensor1d(new Float32Array(6));
  // Filters 0–2 see bright colours; 3–5 see what is dark, and do not count.
  const first = tensor4d([1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1], [1, 1, 3, 6]);
  const square = tensor4d(eye, [1, 1, 6, 6]);
  const shift = tensor1d([-0.5, -0.5, -0.5, 0, 0, 0]);
  const gain = 60;
  const head = tensor2d([gain, 0, 0, 0, gain, 0, 0, 0, gain, 0, 0, 0, 0, 0, 0, 0, 0, 0], [6, 3]);
  const bias = tensor1d(new Float32Array(3));
  model.setWeights([first, shift, square, zeros, square, zeros, head, bias]);
  for (const each of [first, shift, square, zeros, head, bias]) each.dispose();
  return model;
}
