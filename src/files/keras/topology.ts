/**
 * Rewrites the parts of a Keras 3 topology that tfjs-layers 4.22 cannot read (tensorflow/tfjs#8494)
 * into the Keras 2 words it knows: `batch_shape`, dtype policies, and connections written as
 * `__keras_tensor__`. Topologies of Keras 1 and 2 come back equal.
 */

type Json = null | boolean | number | string | readonly Json[] | {readonly [key: string]: Json};
type JsonObject = {readonly [key: string]: Json};

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns an adapted copy; the argument is left as it is. */
export function adaptKeras3Topology(topology: object): object {
  return adapt(topology as JsonObject) as object;
}

/**
 * Lists the prefixes that Keras 3 puts before the names of a model's weights (`'sequential/'`):
 * the model's own name. Empty for older topologies.
 */
export function keras3WeightPrefixes(topology: object): readonly string[] {
  const {keras_version: version, model_config: nested} = topology as {keras_version?: unknown; model_config?: Json};
  const model = nested ?? (topology as Json);
  const config = isObject(model) ? model['config'] : undefined;
  const name = isObject(config) ? config['name'] : undefined;
  return typeof version === 'string' && version.startsWith('3') && typeof name === 'string' ? [`${name}/`] : [];
}

/** Classes of the layers in a model that are models themselves, by name. */
type NestedModels = ReadonlyMap<string, Json>;

function adapt(value: Json, siblings: NestedModels = new Map()): Json {
  if (Array.isArray(value)) return value.map((item) => adapt(item, siblings));
  if (!isObject(value)) return value;
  const nested = Array.isArray(value['layers']) ? nestedModels(value['layers']) : siblings;
  const isKeras3 = Array.isArray(value['layers']) && value['layers'].some(hasKeras3Nodes);
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === 'batch_shape' && Array.isArray(item)) {
      if (value['batch_input_shape'] === undefined) out['batch_input_shape'] = item;
    } else if (key === 'dtype' && isObject(item)) {
      out[key] = policyName(item);
    } else if (key === 'inbound_nodes' && Array.isArray(item)) {
      out[key] = item.map((node) => (isObject(node) ? connections(node, nested) : node));
    } else if (key === 'output_layers' && Array.isArray(item)) {
      out[key] = wrapSingle(item).map((end) => (isKeras3 ? outputOf(end, nested) : end));
    } else if (key === 'input_layers' && Array.isArray(item)) {
      out[key] = wrapSingle(item);
    } else {
      out[key] = adapt(item, nested);
    }
  }
  return out;
}

/** Keras 3 writes a single `['name', 0, 0]` without the outer list. */
function wrapSingle(ends: readonly Json[]): readonly Json[] {
  return typeof ends[0] === 'string' ? [ends] : ends;
}

function hasKeras3Nodes(layer: Json): boolean {
  return isObject(layer) && Array.isArray(layer['inbound_nodes']) && layer['inbound_nodes'].some(isObject);
}

function nestedModels(layers: readonly Json[]): NestedModels {
  const models = layers.filter(isObject).filter(({config}) => isObject(config) && Array.isArray(config['layers']));
  return new Map(models.map((layer) => [String(layer['name'] ?? (layer['config'] as JsonObject)['name']), layer['class_name'] ?? null]));
}

/** In tfjs call 0 of a model is the one that made it. Keras 3 counts that for outputs, except of a Sequential. */
function outputOf(end: Json, nested: NestedModels): Json {
  if (!Array.isArray(end) || nested.get(String(end[0])) !== 'Sequential') return end;
  return [end[0] as Json, Number(end[1]) + 1, end[2] as Json];
}

/** `{class_name: 'DTypePolicy', config: {name: 'float32'}}` to its compute type. */
function policyName(policy: JsonObject): Json {
  const config = policy['config'];
  const name = isObject(config) ? config['name'] : undefined;
  return typeof name === 'string' ? name.replace(/^mixed_.*/, 'float32') : 'float32';
}

/** `{args, kwargs}` of one call to `[[layer, node, tensor, {}], …]`, in the order of the arguments. */
function connections(node: JsonObject, nested: NestedModels): Json {
  const found: Json[] = [];
  const visit = (value: Json | undefined): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isObject(value)) return;
    const config = value['config'];
    const history = isObject(config) ? config['keras_history'] : undefined;
    if (value['class_name'] === '__keras_tensor__' && Array.isArray(history)) {
      const [layer, call, tensor] = history as [string, number, number];
      // Between layers Keras 3 does not count the call that made a nested model; tfjs does.
      found.push([layer, nested.has(layer) ? call + 1 : call, tensor, {}]);
    } else {
      Object.values(value).forEach(visit);
    }
  };
  visit(node['args']);
  visit(node['kwargs']);
  return found;
}
