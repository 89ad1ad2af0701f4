/**
 * A teacher that is written with operations of tfjs: no layers, only `logits(images)`. Its gradient is tfjs' own, so saliency,
 * integrated gradients and distillation take it. The student is a network of its own, since there are no layers to copy.
 *
 *     npm start
 */
import {avgPool, mean, mul, relu, stack, sub, tidy, unstack} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  batchesOf,
  describeTeacher,
  energyInside,
  gradientSaliency,
  residualStudent,
  selectBackend,
} from 'attentive-distiller';
import {COLOURS, regionOf, SIDE, squareOn} from '../sample/squares.js';

await selectBackend();

/**
 * How much of the image is redder, greener or bluer than anything else.
 *
 * @type {import('attentive-distiller').Teacher}
 */
const teacher = {
  name: 'colours',
  inputShape: [SIDE, SIDE, 3],
  numClasses: 3,
  labels: COLOURS,
  preprocessing: {scale: 1 / 255, mean: 0, std: 1},
  logits: (images) =>
    tidy(() => {
      const [red, green, blue] = unstack(avgPool(images, 2, 2, 'same'), 3);
      const purity = (own, a, b) => relu(sub(sub(own, relu(sub(a, 0.2))), relu(sub(b, 0.2))));
      const maps = [purity(red, green, blue), purity(green, blue, red), purity(blue, red, green)];
      const means = maps.map((map) => mean(map, [1, 2]));
      return mul(stack(means, 1), 30); // [N,3]
    }),
};
console.log(describeTeacher(teacher).text);

const pictures = batchesOf(
  Array.from({length: 96}, (_, index) => squareOn(8 + index)),
  {batchSize: 16, seed: 1},
);
const distiller = await AttentiveDistiller.create({teacher, student: residualStudent({depth: 18, width: 8}), seed: 1});
await distiller.train(pictures, {epochs: {student: 8}, budget: {steps: 40}});

const shown = Array.from({length: 8}, (_, index) => squareOn(index));
const drawn = {distilled: await distiller.explain(shown), saliency: await gradientSaliency(shown, teacher)};
for (const [name, maps] of Object.entries(drawn)) {
  const ratio = maps.reduce((sum, map, index) => sum + energyInside(map, regionOf(index)).ratio, 0) / maps.length;
  console.log(`${name}: on the square ${ratio.toFixed(1)} times as much as by chance`);
}
distiller.dispose();
