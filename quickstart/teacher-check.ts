/** What the teacher knows, measured on pictures it has not seen: also where it looks. */
import {tensor4d, tidy, type Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {classNames, generateShape, SIZE} from './shapes.js';

/** Results of {@link checkTeacher}, each in 0–1. */
export interface TeacherCheck {
  /** Share of pictures whose class is found. */
  readonly accuracy: number;
  /** Mean probability of the true class. */
  readonly probability: number;
  /** Share found when everything but the sign is grey. */
  readonly accuracySignOnly: number;
  /** Mean of the highest probability when the sign was left out; 1/8 means "no idea". */
  readonly confidenceWithoutSign: number;
}

const BATCH = 50;

/** Scores pictures 0 … `count − 1` of the series `seed`. */
export async function checkTeacher(model: LayersModel, seed: number, count: number): Promise<TeacherCheck> {
  const sums = {accuracy: 0, probability: 0, accuracySignOnly: 0, confidenceWithoutSign: 0};
  for (let start = 0; start < count; start += BATCH) {
    const indices = Array.from({length: Math.min(BATCH, count - start)}, (_, offset) => start + offset);
    const pictures = indices.map((index) => generateShape(seed, index));
    const plain = await probabilities(
      model,
      pictures.map(({image}) => normalise(image.data)),
    );
    const alone = await probabilities(
      model,
      pictures.map(({image, evidence}) => normalise(image.data, evidence)),
    );
    const without = await probabilities(
      model,
      indices.map((index) => normalise(generateShape(seed, index, {withoutSign: true}).image.data)),
    );
    pictures.forEach(({label}, item) => {
      const row = plain[item] as number[];
      sums.accuracy += Number(indexOfMax(row) === label);
      sums.probability += row[label] as number;
      sums.accuracySignOnly += Number(indexOfMax(alone[item] as number[]) === label);
      sums.confidenceWithoutSign += Math.max(...(without[item] as number[]));
    });
  }
  return {
    accuracy: sums.accuracy / count,
    probability: sums.probability / count,
    accuracySignOnly: sums.accuracySignOnly / count,
    confidenceWithoutSign: sums.confidenceWithoutSign / count,
  };
}

function normalise(pixels: Uint8ClampedArray, mask?: Uint8Array): Float32Array {
  return Float32Array.from(pixels, (value, index) => (value / 127.5 - 1) * (mask?.[Math.floor(index / 3)] ?? 1));
}

async function probabilities(model: LayersModel, images: readonly Float32Array[]): Promise<number[][]> {
  const values = new Float32Array(images.length * SIZE * SIZE * 3);
  images.forEach((image, index) => values.set(image, index * image.length));
  const scores = tidy(() => model.predict(tensor4d(values, [images.length, SIZE, SIZE, 3])) as Tensor);
  const flat = await scores.data();
  scores.dispose();
  return images.map((_, item) => [...flat.slice(item * classNames.length, (item + 1) * classNames.length)]);
}

function indexOfMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
