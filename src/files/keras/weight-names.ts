/** The names of weights as Keras writes them, in the words of tf.layers: `layer/weight`. */
import type {io} from '@tensorflow/tfjs-core';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {isObject, type Json} from './json.js';

/** A layer that holds weights itself, and the models that it lies in. */
interface Leaf {
  readonly name: string;
  readonly className: string;
  readonly models: readonly string[];
}

/**
 * Lists for each weight its name in tf.layers; `undefined` for those that it has not.
 *
 * @param file Names the file in messages.
 * @param topology As Keras has written it.
 * @throws {ModelFileError} If it cannot be told which layer a weight belongs to.
 */
export function weightNames(file: string, topology: object, specs: readonly io.WeightsManifestEntry[]): (string | undefined)[] {
  const leaves = leavesIn(topology as Json, []);
  const names = new Map<string, Leaf[]>();
  for (const leaf of leaves) names.set(leaf.name, [...(names.get(leaf.name) ?? []), leaf]);
  const twice = [...names.values()].find(({length}) => length > 1);
  if (twice !== undefined) {
    const [{name, models}] = twice as [Leaf];
    throw new ModelFileError(
      `${file}: two layers are named '${name}', one of them in '${models.join('/')}', and their weights cannot be told apart. Give layers of nested models names of their own, and export the model again.`,
    );
  }
  return specs.map(({name}) => {
    const parts = name.split('/');
    // The layer's name is the first that is one: what comes before are models.
    const at = parts.findIndex((part, index) => names.has(part) && index < parts.length - 1);
    const leaf = names.get(parts[at] ?? '')?.[0];
    if (leaf === undefined) return name;
    return tfjsName(leaf, parts.slice(at + 1).join('/'));
  });
}

function tfjsName({name, className}: Leaf, weight: string): string | undefined {
  if (className === 'DepthwiseConv2D' && weight === 'kernel') return `${name}/depthwise_kernel`;
  // How many images a Normalization has seen while it was adapted, and the state of random layers.
  if ((className === 'Normalization' && weight === 'count') || weight.includes('seed_generator_state')) return undefined;
  return `${name}/${weight}`;
}

function leavesIn(value: Json, models: readonly string[]): Leaf[] {
  if (!isObject(value)) return [];
  const inner = value['model_config'];
  if (isObject(inner)) return leavesIn(inner, models);
  const config = value['config'];
  const layers = isObject(config) ? config['layers'] : config;
  const name = String(value['name'] ?? (isObject(config) ? config['name'] : ''));
  if (Array.isArray(layers)) return layers.flatMap((layer: Json) => leavesIn(layer, [...models, name]));
  return value['class_name'] === 'InputLayer' ? [] : [{name, className: String(value['class_name']), models}];
}
