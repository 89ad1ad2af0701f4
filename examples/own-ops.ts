/**
 * A teacher written with tf operations: no layers, only `logits(images)`. Every gradient of it is tfjs' own, so saliency,
 * integrated gradients and distillation take it; the student is a network of its own, since there are no layers to copy.
 *
 *     npx tsx examples/own-ops.ts
 */
import {avgPool, mean, mul, relu, stack, sub, tidy, unstack, type Tensor, type Tensor2D, type Tensor3D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  describeTeacher,
  energyInside,
  gradientSaliency,
  residualStudent,
  selectBackend,
  type Teacher,
} from '../src/index.js';
import {regionOf, SIDE, squareOn} from './_squares.js';

await selectBackend();

/** How much of the image is redder, greener or bluer than anything else. */
const teacher: Teacher = {
  name: 'colours',
  inputShape: [SIDE, SIDE, 3],
  numClasses: 3,
  labels: ['red', 'green', 'blue'],
  preprocessing: {scale: 1 / 255, mean: 0, std: 1},
  logits: (images) =>
    tidy(() => {
      const [red, green, blue] = unstack(avgPool(images, 2, 2, 'same'), 3) as [Tensor3D, Tensor3D, Tensor3D];
      const purity = (own: Tensor3D, a: Tensor3D, b: Tensor3D): Tensor => relu(sub(sub(own, relu(sub(a, 0.2))), relu(sub(b, 0.2))));
      const maps = [purity(red, green, blue), purity(green, blue, red), purity(blue, red, green)];
      return mul<Tensor2D>(
        stack(
          maps.map((map) => mean(map, [1, 2])),
          1,
        ),
        30,
      );
    }),
};
console.log(describeTeacher(teacher).text);

const pictures = Array.from({length: 96}, (_, index) => squareOn(index));
const distiller = await AttentiveDistiller.create({teacher, student: residualStudent({depth: 18, width: 8}), seed: 1});
const batches = Array.from({length: 6}, (_, batch) => ({images: pictures.slice(16 * batch, 16 * batch + 16)}));
await distiller.train(batches, {epochs: {student: 12}, budget: {steps: 60}});
const shown = pictures.slice(0, 8);
const [maps, slopes] = [await distiller.explain(shown), await gradientSaliency(shown, teacher)];
const inside = (all: typeof maps): string =>
  (all.reduce((sum, map, index) => sum + energyInside(map, regionOf(index)).ratio, 0) / all.length).toFixed(1);
console.log(`The maps lie on the square ${inside(maps)} (distilled) and ${inside(slopes)} (saliency) times as much as by chance.`);
distiller.dispose();
