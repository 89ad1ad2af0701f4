import {
  add,
  getBackend,
  getKernel,
  grad,
  keep,
  mean,
  memory,
  mul,
  randomUniform,
  scalar,
  sum,
  tensor4d,
  tidy,
  variableGrads,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {LayerNotFoundError} from '../../src/core/errors/layer-not-found-error.js';
import {executeGraph, listLayers, orderedNodes, type LayerVisit} from '../../src/models/graph/execute-graph.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {expectGradient} from '../helpers/gradient-check.js';

// Without this kernel tfjs cannot differentiate a convolution: the bare wasm backend.
const differentiates = getKernel('Conv2DBackpropFilter', getBackend()) != null;
const images = (n = 2): Tensor4D => randomUniform([n, 8, 6, 3], -1, 1, 'float32', 5) as Tensor4D;

/** Residual and concat joins, a nested functional model used twice, a nested Sequential. */
function nestedModel(): LayersModel {
  const innerInput = input({shape: [8, 6, 4], name: 'inner_in'});
  const conv = layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv'}).apply(innerInput);
  const joined = layers.add({name: 'join'}).apply([conv as never, innerInput]);
  const inner = functional({inputs: innerInput, outputs: joined as never, name: 'block'});
  const head = sequential({name: 'head'});
  head.add(layers.globalAveragePooling2d({inputShape: [8, 6, 12], name: 'gap'} as never));
  head.add(layers.dropout({rate: 0.5, name: 'drop'}));
  head.add(layers.dense({units: 5, activation: 'softmax', name: 'out'}));
  const image = input({shape: [8, 6, 3], name: 'image'});
  const stem = layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', name: 'stem'}).apply(image);
  const norm = layers.batchNormalization({name: 'norm'}).apply(stem);
  const first = inner.apply(norm);
  const second = inner.apply(first);
  const all = layers.concatenate({name: 'all'}).apply([norm as never, first as never, second as never]);
  return functional({inputs: image, outputs: head.apply(all) as never, name: 'outer'});
}

async function values(tensor: Tensor | Tensor[]): Promise<Float32Array> {
  return (tensor as Tensor).data() as Promise<Float32Array>;
}

describe('executeGraph', () => {
  it('gives the numbers of predict for residuals, joins, shared and nested models', async () => {
    const model = nestedModel();
    const x = images(3);
    expect(await values(executeGraph(model, x))).toEqual(await values(model.predict(x) as Tensor));
  });

  it('gives the numbers of predict for a Sequential, built or not, grown or not, starting with a model', async () => {
    const model = sequential({layers: [layers.conv2d({filters: 2, kernelSize: 3, inputShape: [8, 6, 3]}), layers.flatten()]});
    const x = images();
    const early = executeGraph(model, x);
    expect(model.built).toBe(false);
    expect(await values(early)).toEqual(await values(model.predict(x) as Tensor));
    model.add(layers.dense({units: 4}));
    expect((executeGraph(model, x) as Tensor).shape).toEqual([2, 4]); // predict still runs the shorter model
    const outer = sequential({layers: [model, layers.softmax({axis: -1})]});
    expect(await values(executeGraph(outer, x))).toEqual(await values(outer.predict(x) as Tensor));
  });

  it('gives several outputs as an array', async () => {
    const image = input({shape: [8, 6, 3]});
    const conv = layers.conv2d({filters: 2, kernelSize: 3}).apply(image) as never;
    const model = functional({inputs: image, outputs: [conv, layers.flatten().apply(conv) as never, image]});
    const x = images();
    const expected = model.predict(x) as Tensor[];
    const actual = executeGraph(model, x) as Tensor[];
    expect(await Promise.all(actual.map(values))).toEqual(await Promise.all(expected.map(values)));
    expect(actual[2]).not.toBe(x);
  });

  it('reads a layer by its path, also inside the second use of a nested model', async () => {
    const model = nestedModel();
    const x = images();
    const feature = executeGraph(model, x, {until: 'block#1/conv'}) as Tensor;
    expect(feature.shape).toEqual([2, 8, 6, 4]);
    const [first, second] = ['block', 'block#1'].map((until) => executeGraph(model, x, {until}) as Tensor);
    expect(await values(second!)).toEqual(await values(model.getLayer('block').apply(first!) as Tensor));
  });

  it('runs only what is needed, and takes outputs that are known', async () => {
    const model = nestedModel();
    const x = images();
    const ran = (options: object): string[] => {
      const paths: string[] = [];
      executeGraph(model, x, {...options, onLayer: (visit) => (paths.push(visit.path), visit.call())});
      return paths;
    };
    expect(ran({until: 'block/conv'})).toEqual(['stem', 'norm', 'block/conv']);
    const all = executeGraph(model, x, {until: 'all'}) as Tensor;
    expect(ran({given: {all}})).toEqual(['head/gap', 'head/drop', 'head/out']);
    expect(await values(executeGraph(model, x, {given: {all}}))).toEqual(await values(model.predict(x) as Tensor));
    expect(all.isDisposed).toBe(false);
  });

  it('replaces an output and hands over a held one', async () => {
    const model = nestedModel();
    const x = images();
    let tap: Tensor | undefined;
    const doubled = executeGraph(model, x, {
      until: 'block',
      onLayer: (visit) => {
        if (visit.path !== 'norm') return visit.call();
        tap = visit.hold(visit.call() as Tensor);
        return mul(tap, 2);
      },
    });
    expect(await values(doubled)).toEqual(await values(executeGraph(model, x, {until: 'block', given: {norm: mul(tap!, 2)}})));
    expect(tap!.isDisposed).toBe(false);
  });

  it('frees all but the result, outside tidy, whether it ends, throws or is watched', async () => {
    const model = nestedModel();
    const x = images();
    const watch = (visit: LayerVisit): Tensor | Tensor[] => visit.call();
    for (const onLayer of [undefined, watch, (visit: LayerVisit) => mul(visit.call() as Tensor, 1)]) {
      await expectNoLeak(() => (executeGraph(model, x, {onLayer}) as Tensor).dispose());
    }
    await expectNoLeak(() => {
      expect(() =>
        executeGraph(model, x, {
          onLayer: (visit) => {
            if (visit.path === 'all') throw new Error('stop');
            return visit.call();
          },
        }),
      ).toThrow('stop');
    });
    expect(x.isDisposed).toBe(false);
  });

  it('keeps few tensors alive at a time', () => {
    const model = sequential();
    model.add(layers.conv2d({filters: 3, kernelSize: 1, inputShape: [8, 6, 3]}));
    for (let i = 0; i < 20; i++) model.add(layers.conv2d({filters: 3, kernelSize: 1}));
    const x = images();
    const before = memory().numTensors;
    let most = 0;
    executeGraph(model, x, {onLayer: (visit) => ((most = Math.max(most, memory().numTensors - before)), visit.call())});
    expect(most).toBeLessThanOrEqual(2);
  });

  it.runIf(differentiates)('has the right gradient with respect to the image', async () => {
    const model = nestedModel();
    await expectGradient((x) => sum(mul(executeGraph(model, x as Tensor4D) as Tensor, [1, -2, 3, 0.5, 2])) as Scalar, images(1), {
      step: 1e-2,
    });
  });

  it.runIf(differentiates)('has gradients with respect to weights in training mode, like apply', async () => {
    const model = nestedModel();
    const x = images();
    const loss = (): Scalar => mean(executeGraph(model, x, {training: false, until: 'all'}) as Tensor) as Scalar;
    const {grads} = variableGrads(loss);
    const direct = variableGrads(() =>
      tidy(() => {
        const stem = model.getLayer('norm').apply(model.getLayer('stem').apply(x) as Tensor) as Tensor;
        const block = model.getLayer('block');
        const first = block.apply(stem) as Tensor;
        return mul(add(add(mean(stem), mean(first)), mean(block.apply(first) as Tensor)), scalar(1 / 3)) as Scalar;
      }),
    ).grads;
    const names = Object.keys(direct).filter((name) => direct[name] != null);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) {
      expectClose(await values(grads[name]!), await values(direct[name]!), {abs: 5e-6}, name);
    }
    expect(() => variableGrads(() => mean(executeGraph(model, x, {training: true, until: 'all'}) as Tensor) as Scalar)).not.toThrow();
  });

  it.each([{scale: false}, {center: false}, {scale: false, center: false}])(
    'differentiates through BatchNormalization with %o',
    async (options) => {
      const model = sequential({
        layers: [layers.batchNormalization({...options, inputShape: [8, 6, 3]}), layers.conv2d({filters: 2, kernelSize: 3})],
      });
      const names = model.layers[0]!.weights.map((weight) => weight.originalName);
      expect(names.some((name) => name.includes('gamma'))).toBe(options.scale !== false);
      model.layers[0]!.setWeights(model.layers[0]!.getWeights().map((weight) => randomUniform(weight.shape, 0.5, 2, 'float32', 3)));
      const x = images(1);
      expect(await values(executeGraph(model, x))).toEqual(await values(model.predict(x) as Tensor));
      if (differentiates) await expectGradient((at) => sum(executeGraph(model, at) as Tensor) as Scalar, x);
      expect(() => executeGraph(model, x, {training: true})).not.toThrow();
    },
  );

  it('lists the paths when there is none of that name', () => {
    const model = nestedModel();
    expect(() => executeGraph(model, images(), {until: 'conv'})).toThrow(LayerNotFoundError);
    expect(() => executeGraph(model, images(), {until: 'conv'})).toThrow(/'block\/conv'.*'block#1'/);
    expect(() => executeGraph(model, images(), {given: {nowhere: scalar(1)}})).toThrow(/no layer 'nowhere'/);
  });

  it('refuses inputs of another number or shape', () => {
    const model = nestedModel();
    expect(() => executeGraph(model, [])).toThrow(/inputs must be 1 tensors, but are 0/);
    expect(() => executeGraph(model, tensor4d([1], [1, 1, 1, 1]))).toThrow(
      /inputs\[0\] must have shape \[\?, 8, 6, 3\], but has \[1, 1, 1, 1\]/,
    );
  });

  it.each<[string, () => unknown, string]>([
    ['no model', () => executeGraph(null as never, images()), 'executeGraph: model must be a LayersModel, but is null.'],
    [
      'a model that was not awaited',
      () => executeGraph(Promise.resolve(nestedModel()) as never, images()),
      'executeGraph: model must be a LayersModel, but is a promise (await it first).',
    ],
    [
      'a GraphModel',
      () => executeGraph({inputs: [], outputs: [], predict: () => undefined} as never, images()),
      'executeGraph: model must be a LayersModel, but is Object.',
    ],
    ['no tensor', () => executeGraph(nestedModel(), [1] as never), 'executeGraph: inputs[0] must be a tensor, but is 1.'],
    [
      'a disposed tensor',
      () => {
        const x = images();
        x.dispose();
        return executeGraph(nestedModel(), x);
      },
      'executeGraph: inputs[0] must be a tensor, but is a disposed Tensor of shape [2, 8, 6, 3].',
    ],
    [
      'an unknown option',
      () => executeGraph(nestedModel(), images(), {untill: 'norm'} as never),
      "executeGraph: there is no option 'untill'. Did you mean 'until'?",
    ],
    [
      'known outputs that are none',
      () => executeGraph(nestedModel(), images(), {given: {norm: 3 as never}}),
      'executeGraph: given must be an object of tensors by path, but is Object.',
    ],
    [
      'known outputs that are still to come',
      () => executeGraph(nestedModel(), images(), {given: Promise.resolve({}) as never}),
      'executeGraph: given must be an object of tensors by path, but is a promise (await it first).',
    ],
    [
      'known outputs without paths',
      () => executeGraph(nestedModel(), images(), {given: [] as never}),
      'executeGraph: given must be an object of tensors by path, but is [].',
    ],
    [
      'an onLayer that must be waited for',
      () => executeGraph(nestedModel(), images(), {onLayer: (async (visit: LayerVisit) => visit.call()) as never}),
      "executeGraph: onLayer must return tensors for 'stem', but returned a promise (await it first).",
    ],
    ['no model to list', () => listLayers(undefined as never), 'listLayers: model must be a LayersModel, but is undefined.'],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(TypeError);
    expect(run).toThrow(message);
  });

  it('refuses a disposed model', () => {
    const model = nestedModel();
    model.dispose();
    expect(() => executeGraph(model, images())).toThrow(/model must be a LayersModel, but is one that has been disposed/);
    expect(() => listLayers(model)).toThrow(TypeError);
  });

  it.runIf(differentiates)('differentiates with respect to a given feature map', async () => {
    const model = nestedModel();
    const x = images(1);
    const feature = keep(executeGraph(model, x, {until: 'block#1'}) as Tensor);
    const at = grad((a) => sum(mul(executeGraph(model, x, {given: {'block#1': a}}) as Tensor, [1, 0, 0, 0, 0])))(feature);
    expect(at.shape).toEqual(feature.shape);
    expect(Math.max(...(await values(at)).map(Math.abs))).toBeGreaterThan(0);
  });
});

describe('listLayers', () => {
  it('lists the uses of layers in execution order', () => {
    const list = listLayers(nestedModel());
    expect(list.map(({path}) => path)).toEqual([
      'stem',
      'norm',
      'block/conv',
      'block/join',
      'block#1/conv',
      'block#1/join',
      'all',
      'head/gap',
      'head/drop',
      'head/out',
    ]);
    expect(list[6]).toEqual({path: 'all', className: 'Concatenate', outputShape: [null, 8, 6, 12]});
  });
});

describe('orderedNodes', () => {
  it('gives each node after those it reads, nested models as one node', () => {
    const nodes = orderedNodes(nestedModel());
    expect(nodes.map(({layer}) => layer.name)).toEqual(['image', 'stem', 'norm', 'block', 'block', 'all', 'head']);
    const known = new Set<unknown>();
    for (const node of nodes) {
      for (const tensor of node.inputTensors) expect(known.has(tensor)).toBe(true);
      for (const tensor of node.outputTensors) known.add(tensor);
    }
    expect(nodes[0]!.inputTensors).toEqual([]);
  });
});
