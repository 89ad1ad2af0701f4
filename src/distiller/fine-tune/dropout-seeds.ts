/** Dropout that depends on the seed and the step: tf.layers' draws without a seed, or the same in every step. */
import type {layers, LayersModel} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import type {Random} from '../../core/random.js';

type SeededLayer = layers.Layer & {seed?: number | undefined};

const SEEDED = ['Dropout', 'SpatialDropout1D'];
// tf.layers gives these no way to be told a seed.
const UNSEEDED = ['AlphaDropout', 'GaussianDropout', 'GaussianNoise'];

/** The dropout layers of a model that is trained. */
export class DropoutSeeds {
  readonly #layers: readonly {readonly layer: SeededLayer; readonly own: number | undefined}[];

  /** @throws {UnsupportedModelError} If a layer draws what no seed decides. */
  constructor(where: string, model: LayersModel) {
    const unseeded = model.layers.find((layer) => UNSEEDED.includes(layer.getClassName()));
    if (unseeded !== undefined) {
      throw new UnsupportedModelError(
        `${where}: ${unseeded.getClassName()} '${unseeded.name}' draws its noise without a seed, so a training with it could not be repeated. Take base: 'frozen', or a model with Dropout in its place.`,
      );
    }
    this.#layers = model.layers
      .filter((layer) => SEEDED.includes(layer.getClassName()))
      .map((layer: SeededLayer) => ({layer, own: layer.seed}));
  }

  /** Has the next step drop what `random` says. */
  draw(random: Random): void {
    for (const [index, {layer}] of this.#layers.entries()) layer.seed = random.split(`dropout ${index}`).seed;
  }

  /** Leaves the layers as they were. */
  restore(): void {
    for (const {layer, own} of this.#layers) layer.seed = own;
  }
}
