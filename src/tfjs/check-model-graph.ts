/**
 * Whether the layers of a topology can be called in some order. tfjs calls a layer as soon as its inputs exist, and tries
 * for ever where an input never comes: a layer that does not exist, or a circle.
 */
import {show} from '../core/check.js';

type Json = Readonly<Record<string, unknown>>;

/** A layer in the config of a model. */
interface Member {
  readonly name: string;
  /** What each of its calls reads: which call of which layer. */
  readonly calls: readonly (readonly Source[])[];
  /** How many outputs it has before any of these calls: 1 for an input layer or a model. */
  readonly ready: number;
}

type Source = readonly [layer: string, call: number];

/**
 * Checks a topology and the models nested in it.
 *
 * @param topology What `toJSON(null, false)` gives, or the `modelTopology` of a model.json.
 * @throws {Error} If a layer reads one that does not exist, or layers wait for each other, or two have one name.
 */
export function checkModelGraph(topology: unknown): void {
  if (!isObject(topology)) return;
  const {model_config: inner, modelTopology: outer} = topology;
  if (isObject(inner) || isObject(outer)) return checkModelGraph(inner ?? outer);
  const layers = layersOf(topology);
  for (const layer of layers) checkModelGraph(layer);
  if (isFunctional(topology)) checkCalls(String((topology['config'] as Json)['name']), layers.map(memberOf), topology['config'] as Json);
}

function checkCalls(model: string, members: readonly Member[], config: Json): void {
  const made = new Map(members.map(({name, ready}) => [name, ready]));
  if (made.size < members.length) {
    const twice = members.find(({name}, index) => members.findIndex((other) => other.name === name) < index);
    throw new Error(`model '${model}' has two layers named '${twice?.name}'`);
  }
  let waiting = members.flatMap(({name, calls}) => calls.map((reads) => ({name, reads})));
  const stranger = waiting.find(({reads}) => reads.some(([layer]) => !made.has(layer)));
  if (stranger !== undefined) {
    const [missing] = stranger.reads.find(([layer]) => !made.has(layer)) as Source;
    throw new Error(`layer '${stranger.name}' of model '${model}' reads '${missing}', which does not exist`);
  }
  const exists = ([layer, call]: Source): boolean => (made.get(layer) as number) > call;
  for (let before = -1; waiting.length !== before;) {
    before = waiting.length;
    waiting = waiting.filter(({name, reads}) => {
      if (!reads.every(exists)) return true;
      made.set(name, (made.get(name) as number) + 1);
      return false;
    });
  }
  const [stuck] = waiting;
  if (stuck !== undefined) {
    const [layer, call] = stuck.reads.find((source) => !exists(source)) as Source;
    throw new Error(`layer '${stuck.name}' of model '${model}' waits for call ${call} of '${layer}', which never comes`);
  }
  for (const key of ['input_layers', 'output_layers']) {
    const lost = endsOf(config[key]).find((end) => !made.has(end[0]) || !exists(end));
    if (lost !== undefined) throw new Error(`${key} of model '${model}' names call ${lost[1]} of '${lost[0]}', which does not exist`);
  }
}

function memberOf(layer: Json): Member {
  const {name, config} = layer as {name?: unknown; config?: unknown};
  const calls = Array.isArray(layer['inbound_nodes']) ? (layer['inbound_nodes'] as readonly unknown[]) : [];
  return {
    name: String(name ?? (isObject(config) ? config['name'] : undefined)),
    calls: calls.map(endsOf).filter((reads) => reads.length > 0),
    ready: layer['class_name'] === 'InputLayer' || layersOf(layer).length > 0 ? 1 : 0,
  };
}

/** The `[layer, call, tensor]` in a list of them, or a single one. */
function endsOf(ends: unknown): Source[] {
  if (!Array.isArray(ends)) return [];
  const all = typeof ends[0] === 'string' ? [ends] : ends;
  return all.map((end: unknown) => {
    if (Array.isArray(end) && typeof end[0] === 'string' && Number.isInteger(end[1]) && end[1] >= 0) return [end[0], end[1] as number];
    throw new Error(`a connection must be [layer, call, tensor], but is ${show(end)}`);
  });
}

function isFunctional({config}: Json): boolean {
  return isObject(config) && Array.isArray(config['layers']) && Array.isArray(config['output_layers']);
}

/** The layers of a model; of a Sequential they may stand in place of its config. */
function layersOf({config}: Json): readonly Json[] {
  const layers = isObject(config) ? config['layers'] : config;
  return Array.isArray(layers) ? layers.filter(isObject) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
