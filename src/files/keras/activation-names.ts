/** Keras' activations by their names, in the words of tf.layers. */
import {isObject, type Json} from './json.js';

/** Known to tf.layers under the same name, or that name with capitals. */
const same = [
  'linear',
  'relu',
  'relu6',
  'sigmoid',
  'softmax',
  'tanh',
  'elu',
  'selu',
  'softplus',
  'softsign',
  'swish',
  'mish',
  'gelu',
  'log_softmax',
];

const others: Readonly<Record<string, string>> = {
  silu: 'swish',
  hard_sigmoid: 'kerasHardSigmoid',
  hard_silu: 'kerasHardSilu',
  hard_swish: 'kerasHardSilu',
  leaky_relu: 'kerasLeakyRelu',
  exponential: 'kerasExponential',
  log_sigmoid: 'kerasLogSigmoid',
  hard_tanh: 'kerasHardTanh',
};

/**
 * Returns the name under which tf.layers finds an activation.
 *
 * @param isKeras3 Keras 2 has another `hard_sigmoid`, that of tf.layers.
 * @param refuse Called where there is none.
 */
export function activationName(value: Json | undefined, isKeras3: boolean, refuse: (what: string) => never): string {
  if (value === undefined || value === null) return 'linear';
  const isFunction = isObject(value) && value['class_name'] === 'function';
  const name = isFunction ? value['config'] : value;
  if (typeof name !== 'string') return refuse(JSON.stringify(value));
  if (same.includes(name) || (name === 'hard_sigmoid' && !isKeras3)) return name;
  return others[name] ?? refuse(`'${name}'`);
}
