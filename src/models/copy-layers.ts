/** Layers like those of a model, each made once for all of its uses: what networks that begin as copies are built of. */
import {dispose, tidy} from '@tensorflow/tfjs-core';
import {layers} from '@tensorflow/tfjs-layers';
import type {Step} from './graph/plan.js';

/** Copies of layers; they belong to the models that are built of them. */
export class LayerCopies {
  readonly #copies = new Map<layers.Layer, layers.Layer>();

  /** Makes a layer like that of a step, or gives the one that was made for another use of it; without its closing activation if asked. */
  of({layer, path, className}: Step, dropActivation: boolean): layers.Layer {
    const known = this.#copies.get(layer);
    if (known !== undefined) return known;
    const config: Record<string, unknown> = {...layer.getConfig()};
    delete config['batchInputShape'];
    // The path is unique in the whole graph, a nested layer's name is not.
    config['name'] = path;
    const squashesOnly = dropActivation && ['Softmax', 'Activation'].includes(className);
    if (dropActivation) config['activation'] = 'linear';
    const constructor = layer.constructor as unknown as {fromConfig(constructor: unknown, config: unknown): layers.Layer};
    const copy = squashesOnly ? layers.activation({activation: 'linear', name: path}) : constructor.fromConfig(constructor, config);
    this.#copies.set(layer, copy);
    return copy;
  }

  /** Gives the copies the weights of their originals, once a model has been built of them. */
  copyWeights(): void {
    for (const [original, copy] of this.#copies) {
      // A clone has memory of its own: setWeights would share the original's, which training replaces
      // rather than writes into, but a backend may not.
      const weights = tidy(() => original.getWeights().map((weight) => weight.clone()));
      copy.setWeights(weights);
      dispose(weights);
    }
  }
}
