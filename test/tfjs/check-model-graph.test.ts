import {input, layers, model as makeModel, sequential} from '@tensorflow/tfjs-layers';
import type {LayersModel, SymbolicTensor} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {checkModelGraph} from '../../src/tfjs/check-model-graph.js';
import {buildLayersModel, disposeModel} from '../../src/tfjs/model-variables.js';

type Config = {
  config: {layers: {name: string; inbound_nodes: [string, number, number, object][][]}[]; output_layers: [string, number, number][]};
};

/** A shared layer, a nested model and a nested Sequential that are called twice. */
function rich(): LayersModel {
  const image = input({shape: [4], name: 'image'});
  const shared = layers.dense({units: 4, name: 'shared'});
  const inner = input({shape: [4], name: 'inner'});
  const nested = makeModel({inputs: inner, outputs: layers.dense({units: 4, name: 'in'}).apply(inner) as SymbolicTensor, name: 'nested'});
  const ready = sequential({layers: [layers.dense({units: 4, inputShape: [4], name: 'ready-dense'})], name: 'ready'});
  let x = image as SymbolicTensor;
  for (const layer of [shared, nested, shared, ready, nested, ready]) x = layer.apply(x) as SymbolicTensor;
  return makeModel({inputs: image, outputs: layers.add({name: 'sum'}).apply([x, image]) as SymbolicTensor, name: 'rich'});
}

function topologyOf(model: LayersModel): Config {
  return JSON.parse(JSON.stringify(model.toJSON(null, false))) as Config;
}

describe('checkModelGraph', () => {
  it('lets pass what tfjs can build, and what tfjs builds from it', async () => {
    const model = rich();
    const topology = topologyOf(model);
    checkModelGraph(topology);
    checkModelGraph({modelTopology: {model_config: topology}});
    const again = await buildLayersModel(topology);
    expect(again.layers.map(({name}) => name)).toEqual(model.layers.map(({name}) => name));
    disposeModel(again);
    disposeModel(model);
  });

  const member = ({config}: Config, name: string): Config['config']['layers'][number] => config.layers.find((each) => each.name === name)!;

  it.each<[string, (topology: Config) => void, RegExp]>([
    ['a layer that does not exist', (t) => (member(t, 'sum').inbound_nodes[0]![0]![0] = 'sun'), /layer 'sum' of model 'rich' reads 'sun'/],
    ['a call that does not exist', (t) => (member(t, 'sum').inbound_nodes[0]![1]![1] = 1), /waits for call 1 of 'image'/],
    ['a circle', (t) => (member(t, 'shared').inbound_nodes[0]![0] = ['sum', 0, 0, {}]), /waits for call \d of '\w+', which never comes/],
    ['a layer that reads itself', (t) => (member(t, 'shared').inbound_nodes[0]![0] = ['shared', 0, 0, {}]), /'shared' .* waits/],
    ['two layers of one name', (t) => (member(t, 'ready').name = 'shared'), /two layers named 'shared'/],
    [
      'an output that does not exist',
      (t) => (t.config.output_layers = [['sum', 1, 0]]),
      /output_layers of model 'rich' names call 1 of 'sum'/,
    ],
    ['a connection that is none', (t) => (member(t, 'sum').inbound_nodes[0] = [7 as never]), /must be \[layer, call, tensor\], but is 7/],
  ])('refuses %s', async (_, damage, message) => {
    const model = rich();
    const topology = topologyOf(model);
    disposeModel(model);
    damage(topology);
    expect(() => checkModelGraph(topology)).toThrow(message);
    await expect(buildLayersModel(topology)).rejects.toThrow(message);
  });

  it('looks into nested models', () => {
    const model = rich();
    const topology = topologyOf(model);
    disposeModel(model);
    const nested = member(topology, 'nested') as unknown as Config;
    member(nested, 'in').inbound_nodes[0]![0]![0] = 'nowhere';
    expect(() => checkModelGraph(topology)).toThrow(/layer 'in' of model 'nested' reads 'nowhere'/);
  });
});
