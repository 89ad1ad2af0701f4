/**
 * Rewrites a topology of Keras into the words of tf.layers 4.22: of Keras 3 `batch_shape`, dtype policies, and
 * connections written as `__keras_tensor__` (tensorflow/tfjs#8494); of every Keras what its layers mean. Topologies that
 * tf.layers has saved itself come back equal.
 */
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {isObject, type Json, type JsonObject} from './json.js';
import {translateLayer} from './layer-table.js';
import {kerasVersion, type KerasVersion} from './version.js';

/** What is known while a topology is read. */
interface Reading {
  /** Names the file in messages. */
  readonly file: string;
  readonly version: KerasVersion;
  /** Classes of the layers in a model that are models themselves, by name. */
  readonly nested: ReadonlyMap<string, Json>;
}

/**
 * Returns an adapted copy; the argument is left as it is.
 *
 * @param file Names it in messages.
 * @throws {ModelFileError} If a layer has an option that cannot be honoured, or is called with one.
 */
export function adaptTopology(file: string, topology: object): object {
  const version = kerasVersion(topology);
  if (version === undefined) return topology;
  return adapt(topology as JsonObject, {file, version, nested: new Map()}) as object;
}

function adapt(value: Json, reading: Reading): Json {
  if (Array.isArray(value)) return value.map((item: Json) => adapt(item, reading));
  if (!isObject(value)) return value;
  const within = Array.isArray(value['layers']) ? {...reading, nested: nestedModels(value['layers'])} : reading;
  const isKeras3 = Array.isArray(value['layers']) && value['layers'].some(hasKeras3Nodes);
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === 'batch_shape' && Array.isArray(item)) {
      if (value['batch_input_shape'] === undefined) out['batch_input_shape'] = item;
    } else if (key === 'dtype' && isObject(item)) {
      out[key] = policyName(item);
    } else if (key === 'layers' && Array.isArray(item)) {
      out[key] = item.map((layer: Json) => layerIn(layer, within));
    } else if (key === 'config' && Array.isArray(item) && value['class_name'] === 'Sequential') {
      out[key] = item.map((layer: Json) => layerIn(layer, within));
    } else if (key === 'output_layers' && Array.isArray(item)) {
      out[key] = wrapSingle(item).map((end) => (isKeras3 ? outputOf(end, within.nested) : end));
    } else if (key === 'input_layers' && Array.isArray(item)) {
      out[key] = wrapSingle(item);
    } else {
      out[key] = adapt(item, within);
    }
  }
  return out;
}

/** One layer of a model, or a model that is one. */
function layerIn(layer: Json, reading: Reading): Json {
  if (!isObject(layer) || typeof layer['class_name'] !== 'string' || !isObject(layer['config'])) return adapt(layer, reading);
  const {class_name: className, config, inbound_nodes: nodes, module, ...rest} = layer;
  const name = String(layer['name'] ?? config['name']);
  const calls = Array.isArray(nodes) ? nodes.map((node: Json) => callOf(node, {...reading, layer: name, className})) : undefined;
  const inbound = calls && {inbound_nodes: calls.map(({reads}) => reads)};
  if (Array.isArray(config['layers'])) return {...rest, class_name: className, config: adapt(config, reading), ...inbound};
  const isOperation = String(module).startsWith('keras.src.ops') || String(module).startsWith('keras.ops');
  const [{numbers} = {numbers: undefined}] = calls ?? [];
  if (isOperation && !arithmetic.includes(className)) {
    const advice = 'Write it as a layer, or wrap the model in a Teacher or score function of your own.';
    throw new ModelFileError(
      `${reading.file}: layer '${name}' is the operation keras.ops.${className}, which tf.layers has not. ${advice}`,
    );
  }
  const read = {
    name,
    className: className === 'TrueDivide' ? 'Divide' : className,
    config: isOperation || numbers !== undefined ? {name, ...(numbers && {arithmetic: numbers})} : config,
    version: reading.version,
  };
  const {className: newName, config: newConfig} = translateLayer(reading.file, read);
  return {...rest, class_name: newName, config: adapt(newConfig, reading), ...inbound};
}

const arithmetic = ['Add', 'Subtract', 'Multiply', 'Divide', 'TrueDivide', 'Maximum', 'Minimum', 'Power'];

/** Keras 3 writes a single `['name', 0, 0]` without the outer list. */
function wrapSingle(ends: readonly Json[]): readonly Json[] {
  return typeof ends[0] === 'string' ? [ends] : ends;
}

function hasKeras3Nodes(layer: Json): boolean {
  return isObject(layer) && Array.isArray(layer['inbound_nodes']) && layer['inbound_nodes'].some(isObject);
}

function nestedModels(layers: readonly Json[]): ReadonlyMap<string, Json> {
  const models = layers.filter(isObject).filter(({config}) => isObject(config) && Array.isArray(config['layers']));
  return new Map(models.map((layer) => [String(layer['name'] ?? (layer['config'] as JsonObject)['name']), layer['class_name'] ?? null]));
}

/** In tfjs call 0 of a model is the one that made it. Keras 3 counts that for outputs, except of a Sequential. */
function outputOf(end: Json, nested: Reading['nested']): Json {
  if (!Array.isArray(end) || nested.get(String(end[0])) !== 'Sequential') return end;
  return [end[0] as Json, Number(end[1]) + 1, end[2] as Json];
}

/** `{class_name: 'DTypePolicy', config: {name: 'float32'}}` to its compute type. */
function policyName(policy: JsonObject): Json {
  const config = policy['config'];
  const name = isObject(config) ? config['name'] : undefined;
  return typeof name === 'string' ? name.replace(/^mixed_.*/, 'float32') : 'float32';
}

/** What a call of a layer reads, and the number among it where it is arithmetic. */
interface Call {
  readonly reads: Json;
  readonly numbers?: JsonObject | undefined;
}

interface Caller extends Reading {
  readonly layer: string;
  readonly className: string;
}

// Which arguments hold what a layer reads; masks do not.
const inputNames = ['inputs', 'input', 'x', 'x1', 'x2', 'query', 'value', 'key', 'data'];

/** `{args, kwargs}` of one call to `[[layer, node, tensor, {}], …]`, in the order of the arguments; what older ones write stays. */
function callOf(node: Json, caller: Caller): Call {
  if (!isObject(node)) return {reads: caller.className === 'MultiHeadAttention' ? attentionReads(node, caller) : node};
  const {args, kwargs} = node;
  const reads: Json[] = [];
  const numbers: JsonObject[] = [];
  const visit = (value: Json | undefined): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'number') numbers.push({constant: value, constant_first: reads.length === 0});
    else if (isObject(value)) reads.push(tensorOf(value, caller));
    else if (value === true || typeof value === 'string') refuseCall(caller, JSON.stringify(value));
  };
  visit(args);
  for (const [name, value] of Object.entries(isObject(kwargs) ? kwargs : {})) {
    if (inputNames.includes(name)) visit(value);
    // What predict() says of training counts, not what the file says.
    else if (value !== null && value !== false && name !== 'training')
      refuseCall(caller, `${name}: ${isObject(value) ? 'another layer' : JSON.stringify(value)}`);
  }
  const [number, ...more] = numbers;
  if (number !== undefined && (more.length > 0 || !arithmetic.includes(caller.className))) refuseCall(caller, JSON.stringify(numbers));
  return {reads, numbers: number};
}

function tensorOf(value: JsonObject, caller: Caller): Json {
  const config = value['config'];
  const history = isObject(config) ? config['keras_history'] : undefined;
  if (value['class_name'] !== '__keras_tensor__' || !Array.isArray(history)) return refuseCall(caller, JSON.stringify(value));
  const [layer, call, tensor] = history as unknown as [string, number, number];
  // Between layers Keras 3 does not count the call that made a nested model; tfjs does.
  return [layer, caller.nested.has(layer) ? call + 1 : call, tensor, {}];
}

/** Keras 2 writes what attention reads beside the query as keyword arguments, which tf.layers would not see. */
function attentionReads(node: Json, caller: Caller): Json {
  const [[layer, call, tensor, options] = []] = (node ?? []) as [[Json, Json, Json, JsonObject]?];
  const {value, key, ...others} = options ?? {};
  const other = Object.entries(others).find(([, given]) => given !== null && given !== false);
  if (other !== undefined) refuseCall(caller, `${other[0]}: ${JSON.stringify(other[1])}`);
  const more = [value, key].filter((each) => Array.isArray(each)).map((each) => [...(each as Json[]), {}]);
  return [[layer ?? null, call ?? null, tensor ?? null, {}], ...more] as Json;
}

function refuseCall({file, layer, className}: Caller, what: string): never {
  const advice = 'Leave that out of the model that is exported, or wrap the model in a Teacher or score function of your own.';
  throw new ModelFileError(`${file}: layer '${layer}' (${className}) is called with ${what}, which cannot be honoured. ${advice}`);
}
