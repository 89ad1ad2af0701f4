/**
 * A short piece of everything with fixed seeds: distil, explain, explain by the other methods, measure.
 * Its numbers are compared between backends, so it takes few steps on small images, through every
 * kind of layer that classifiers are made of.
 */
import {tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {AttentiveDistiller, deletionScore, gradCam, insertionScore, lime, rise, type SaliencyMap, paperMethod} from '../../src/index.js';
import {gridSegments} from '../../src/baselines/index.js';
import {Random} from '../../src/core/random.js';
import type {GoldenArray} from './golden.js';
import {HEIGHT, WIDTH, patchBatch, patchTeacher} from './patch-world.js';

/** What a run gives, by name. */
export type ShortRun = Record<string, GoldenArray>;

const IMAGES = 3;

/** A classifier of 16×24 images with ordinary, strided and depthwise convolutions, joins, batch norm and both poolings. */
function mixedTeacher(): LayersModel {
  const image = input({shape: [HEIGHT, WIDTH, 3]});
  const then = (x: SymbolicTensor, ...steps: layers.Layer[]): SymbolicTensor =>
    steps.reduce((value, step) => step.apply(value) as SymbolicTensor, x);
  const first = then(
    image,
    layers.conv2d({filters: 6, kernelSize: 3, padding: 'same', useBias: false}),
    layers.batchNormalization(),
    layers.reLU(),
  );
  const joined = layers.add().apply([first, then(first, layers.depthwiseConv2d({kernelSize: 3, padding: 'same'}))]) as SymbolicTensor;
  const second = then(
    joined,
    layers.maxPooling2d({poolSize: 2}),
    layers.conv2d({filters: 8, kernelSize: 3, padding: 'same', activation: 'relu'}),
  );
  const third = then(
    second,
    layers.conv2d({filters: 10, kernelSize: 3, strides: 2, padding: 'same', useBias: false}),
    layers.batchNormalization({scale: false}),
    layers.reLU(),
  );
  const net = model({
    inputs: image,
    outputs: then(third, layers.globalAveragePooling2d({}), layers.dense({units: 3, activation: 'softmax'})),
    name: 'mixed',
  });
  const random = new Random(17);
  const drawn = net.weights.map(({shape, originalName}) => {
    const sizes = shape as number[];
    const size = sizes.reduce((product, each) => product * each, 1);
    const spread = sizes.length > 1 ? Math.sqrt(6 / (size / sizes.at(-1)!)) : 0.1;
    const middle = /variance|gamma/.test(originalName) ? 1 : 0;
    return tensor(
      Float32Array.from({length: size}, () => middle + random.uniform(-spread, spread)),
      sizes,
    );
  });
  net.setWeights(drawn);
  drawn.forEach((each) => each.dispose());
  return net;
}

/**
 * The runs that are compared. Adam divides by the size of a gradient, so a weight whose gradient is
 * nothing but rounding goes another way on every machine; behind batch norm there are such weights.
 */
export const shortRuns: Readonly<Record<string, () => Promise<ShortRun>>> = {
  patches: () => shortRun(patchTeacher(), 'adam'),
  mixed: () => shortRun(mixedTeacher(), 'sgd'),
};

/** Distils the teacher, then explains three unseen images in every way; disposes the teacher. */
async function shortRun(teacher: LayersModel, optimizer: 'adam' | 'sgd'): Promise<ShortRun> {
  const distiller = await AttentiveDistiller.create({...paperMethod(), teacher, decoder: {filters: [8, 6, 4]}, seed: 7});
  const batches = [patchBatch(0, 4), patchBatch(4, 4)];
  const {images} = patchBatch(1000, IMAGES);
  const result: ShortRun = {};
  const losses: number[] = [];
  const learningRate = optimizer === 'adam' ? {student: 1e-3, explanation: 3e-3} : {student: 1e-2, explanation: 1e-2};
  const settings = {epochs: {student: 1, explanation: 3}, optimizer, learningRate, lambda: 1e-4};
  await distiller.train(batches, {
    ...settings,
    onProgress: ({kind, losses: {total}}) => {
      if (kind === 'step') losses.push(total!);
    },
  });
  result['losses'] = array(losses);
  const maps = await distiller.explain(images);
  const all: Record<string, SaliencyMap[]> = {
    distilled: maps,
    rise: await rise(images, teacher, {numMasks: 40, gridSize: 4, batchSize: 20}),
    lime: await lime(images, teacher, {numSamples: 40, segmenter: gridSegments(HEIGHT, WIDTH, {rows: 4, columns: 6}), batchSize: 20}),
    gradCam: await gradCam(images, teacher),
  };
  for (const [name, of] of Object.entries(all)) result[name] = stacked(of);
  for (const [name, score] of Object.entries({insertion: insertionScore, deletion: deletionScore})) {
    const scores = await score(images, maps, teacher, {stepSize: 48});
    result[name] = array(scores.flatMap(({curve}) => [...curve]));
  }
  for (const each of [...batches.map((batch) => batch.images), images] as Tensor4D[]) each.dispose();
  distiller.dispose();
  teacher.dispose();
  return result;
}

function stacked(maps: readonly SaliencyMap[]): GoldenArray {
  return array(
    maps.flatMap(({data}) => [...data]),
    [maps.length, HEIGHT, WIDTH],
  );
}

function array(values: readonly number[], shape = [values.length]): GoldenArray {
  return {shape, values: Float32Array.from(values)};
}
