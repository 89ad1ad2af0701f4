/** GraphModels: their pieces compute what their twins of layers compute, in every method. */
import '../helpers/use-wasm.js';
import {createServer} from 'node:http';
import {readFile} from 'node:fs/promises';
import type {AddressInfo} from 'node:net';
import {memory, slice, softmax, tensor, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  gradCam,
  gradientSaliency,
  insertionScore,
  loadTeacher,
  ModelFileError,
  rise,
  scoreCam,
  studentFromTeacher,
  teacherFromGraphModel,
  teacherFromLayersModel,
  UnsupportedModelError,
  type GraphModelLike,
  type LoadedTeacher,
  type SaliencyMap,
  type Teacher,
} from '../../src/index.js';
import {listLayers} from '../../src/models/index.js';
import {loadGraphModelFromFiles, loadLayersModelFromFiles, type LoadedGraphModel} from '../../src/node/index.js';
import {correlation} from '../helpers/correlation.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {dataFolder, readBytes} from '../helpers/files.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const folder = `${dataFolder}/graph-models`;
const isThere = (await readBytes(`${folder}/seq/model.json`)) !== undefined;

describe.skipIf(!isThere).each(['logits', 'seq'])('the GraphModel %s and its twin', (name) => {
  let graph: LoadedGraphModel;
  let images: Tensor4D;
  let ours: Teacher;
  let twin: LoadedTeacher;
  let expected: number[];

  beforeAll(async () => {
    graph = await loadGraphModelFromFiles(`${folder}/${name}_graph`);
    images = tensor(new Float32Array((await readBytes(`${folder}/${name}_graph/input.f32`))!), [2, 64, 64, 3]);
    expected = (JSON.parse(await readFile(`${folder}/${name}_graph/expected.json`, 'utf8')) as {y: number[][]}).y.flat();
    ours = teacherFromGraphModel(graph);
    twin = await loadTeacher(`${folder}/${name}`);
  });
  afterAll(() => {
    graph.dispose();
    twin.dispose();
    images.dispose();
  });

  /** Equal to 1e-3, and in what they show. */
  function expectSame(maps: readonly SaliencyMap[], others: readonly SaliencyMap[]): void {
    maps.forEach((map, index) => {
      expectClose(map.data, others[index]!.data, {abs: 1e-3});
      expect(correlation(map.data, others[index]!.data)).toBeGreaterThan(0.999);
      expect(map.score).toBeCloseTo(others[index]!.score, 4);
    });
  }

  it('give the same logits, before a closing softmax', () =>
    expectNoLeak(async () => {
      const [logits, others] = [ours.logits(images), twin.logits(images)];
      expectClose(await logits.data(), await others.data(), {abs: 1e-4});
      const output = name === 'seq' ? tidy(() => softmax<Tensor2D>(logits)) : logits.clone();
      expectClose(await output.data(), expected, {abs: 1e-4});
      [logits, others, output].forEach((each) => each.dispose());
    }));

  it('give the same Grad-CAM, Score-CAM and saliency, also where the GraphModel is given bare', () =>
    expectNoLeak(async () => {
      const last = listLayers(ours.model!).findLast(({outputShape}) => outputShape.length === 4)!.path;
      const bare = graph as GraphModelLike;
      expectSame(await gradCam(images, bare), await gradCam(images, twin));
      expectSame(await gradCam(images, ours, {layer: last, variant: 'layer-cam'}), await gradCam(images, twin, {variant: 'layer-cam'}));
      expectSame(await gradientSaliency(images, bare), await gradientSaliency(images, twin));
      expectSame(await scoreCam(images, bare), await scoreCam(images, twin));
      expectSame(await rise(images, bare, {numMasks: 40, seed: 3}), await rise(images, twin, {numMasks: 40, seed: 3}));
    }));

  it('give the same insertion score: probabilities, whether the graph ends in a softmax or in logits', () =>
    expectNoLeak(async () => {
      const first = slice(images, 0, 1);
      const [map] = await gradCam(first, twin);
      const [a, b] = [await insertionScore(first, map!, graph), await insertionScore(first, map!, twin)];
      expect(a.auc).toBeCloseTo(b.auc, 4);
      expect(a.auc).toBeLessThanOrEqual(1);
      first.dispose();
    }));

  it('give the same distilled map with the same seed, save what the graph has not, and load it again', async () => {
    const store = await temporaryStore();
    const maps: SaliencyMap[][] = [];
    for (const teacher of [graph, twin] as const) {
      const distiller = await AttentiveDistiller.create({teacher, seed: 3});
      await distiller.train([{images}], {budget: {steps: 2}, averaging: 0, learningRate: 1e-4});
      maps.push(await distiller.explain(images));
      await distiller.save(store.url('explainer'));
      const loaded = await AttentiveDistiller.load(store.url('explainer'), {teacher});
      expect((await loaded.explain(images)).map(({data}) => data)).toEqual(maps.at(-1)!.map(({data}) => data));
      distiller.dispose();
      loaded.dispose();
    }
    expectSame(maps[0]!, maps[1]!);
    await store.remove();
  });

  it('take attention behind the nodes that are named', async () => {
    const nodes = listLayers(ours.model!).filter(({outputShape}) => outputShape.length === 4);
    const taps = nodes.slice(-2).map(({path}) => path);
    const distiller = await AttentiveDistiller.create({teacher: ours, student: studentFromTeacher({taps}), seed: 1});
    const [map] = await distiller.explain(images);
    expect(map!.empty).toBe(false);
    distiller.dispose();
  });
});

describe.skipIf(!isThere)('loadTeacher', () => {
  const files = (name: string): string => `${folder}/${name}`;

  it('loads both kinds from files and from a server, and frees what it holds', async () => {
    const server = createServer((request, response) => {
      readFile(`${dataFolder}${request.url}`).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await expectNoLeak(async () => {
        const input = tensor(new Float32Array((await readBytes(`${files('seq_graph')}/input.f32`))!), [2, 64, 64, 3]) as Tensor4D;
        const found: number[][] = [];
        const fractions: number[] = [];
        for (const from of [
          files('seq'),
          `file://${files('seq_graph')}`,
          `${address}/graph-models/seq/model.json`,
          `${address}/graph-models/seq_graph/model.json`,
        ]) {
          const teacher = await loadTeacher(from, {
            labels: ['red', 'green', 'blue', 'yellow'],
            onProgress: (fraction) => fractions.push(fraction),
          });
          const logits = teacher.logits(input);
          found.push([...(await logits.data())]);
          logits.dispose();
          teacher.dispose();
          teacher.dispose();
        }
        input.dispose();
        for (const each of found) expectClose(Float32Array.from(each), found[0]!, {abs: 1e-4});
        expect(fractions.at(-1)).toBe(1);
        // A Keras 3 model is translated from the web as from files.
        const vit = await loadTeacher(`${address}/keras-teachers/vit/model.json`);
        expect(vit.numClasses).toBe(4);
        vit.dispose();
        await expect(loadTeacher(`${address}/nothing/model.json`)).rejects.toThrow(ModelFileError);
      });
    } finally {
      server.close();
    }
  });

  it('stops waiting when it is told to', async () => {
    const server = createServer(() => undefined); // Never answers.
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const {port} = server.address() as AddressInfo;
    const loading = loadTeacher(`http://127.0.0.1:${port}/model.json`, {signal: AbortSignal.timeout(50)});
    await expect(loading).rejects.toThrow(/timeout/i);
    server.closeAllConnections();
    server.close();
  });

  it.each<[string, Parameters<typeof loadTeacher>, RegExp]>([
    ['what is no address', [7 as never], /from must be a path, a URL or the Files of a model, but is 7/],
    ['an empty list', [[]], /but is/],
    ['another scheme', ['s3://x'], /nothing can be loaded from "s3:\/\/x"/],
    ['a file of Keras', ['https://example.org/model.keras'], /tensorflowjs_converter/],
    ['a node of a LayersModel', [files('seq'), {output: 'x'}], /output names a node of a GraphModel/],
    ['a node that does not exist', [files('seq_graph'), {output: 'x'}], /it has no node 'x'/],
    ['another size', [files('seq_graph'), {inputShape: [32, 32, 3]}], /its input is \[64, 64, 3\], not \[32, 32, 3\]/],
  ])('refuses %s', async (_, given, message) => {
    const before = memory().numTensors;
    await expect(loadTeacher(...given)).rejects.toThrow(message);
    expect(memory().numTensors).toBe(before);
  });

  it('tells the two kinds apart where only one will do', async () => {
    await expect(loadLayersModelFromFiles(files('seq_graph'))).rejects.toThrow(/GraphModel: load it with loadTeacher/);
    await expect(loadGraphModelFromFiles(files('seq'))).rejects.toThrow(/LayersModel: load it with loadTeacher/);
  });
});

/** A graph of nodes that run nothing, for what is refused before it would. */
function graphOf(nodes: readonly [name: string, op: string, inputs: string[]][], shape: number[] = [-1, 8, 8, 3]): GraphModelLike {
  const made: Record<string, {name: string; op: string; inputs: object[]}> = {};
  for (const [name, op, inputs] of nodes) made[name] = {name, op, inputs: inputs.map((each) => made[each]!)};
  const last = nodes.at(-1)![0];
  return {
    inputs: [{name: 'x', shape}],
    outputs: [{name: last}],
    executor: {graph: {nodes: made}},
    predict: () => undefined,
    execute: () => {
      throw new Error('nothing runs');
    },
  } as unknown as GraphModelLike;
}

describe('a GraphModel is refused by name where', () => {
  const input: [string, string, string[]][] = [
    ['x', 'Placeholder', []],
    ['w', 'Const', []],
    ['conv', 'Conv2D', ['x', 'w']],
  ];
  it.each<[string, GraphModelLike, RegExp]>([
    [
      'it has control flow',
      graphOf([...input, ['loop', 'StatelessWhile', ['conv']], ['y', 'Softmax', ['loop']]]),
      /StatelessWhile 'loop' decides what is computed/,
    ],
    [
      'two heads are added',
      graphOf([...input, ['a', 'Softmax', ['conv']], ['b', 'Softmax', ['conv']], ['y', 'AddV2', ['a', 'b']]]),
      /ends in AddV2 'y', which joins 'a' and 'b'/,
    ],
    ['it ends in something else', graphOf([...input, ['y', 'Relu', ['conv']]]), /it ends in Relu 'y'/],
    [
      'a softmax is averaged',
      graphOf([...input, ['a', 'Softmax', ['conv']], ['y', 'Mean', ['a', 'w']]]),
      /Mean 'y', but Softmax 'a' has made probabilities/,
    ],
    ['its size is open', graphOf([...input, ['y', 'Softmax', ['conv']]], [-1, -1, -1, 3]), /inputShape: \[height, width, channels\]/],
    ['it takes several images at a time', graphOf([...input, ['y', 'Softmax', ['conv']]], [4, 8, 8, 3]), /takes 4 images at a time/],
    ['it does not run', graphOf([...input, ['y', 'Softmax', ['conv']]]), /does not run \(nothing runs\)/],
  ])('%s', (_, graph, message) => {
    const before = memory().numTensors;
    expect(() => teacherFromGraphModel(graph)).toThrow(UnsupportedModelError);
    expect(() => teacherFromGraphModel(graph)).toThrow(message);
    expect(memory().numTensors).toBe(before);
  });

  it('and anything that is none', () => {
    expect(() => teacherFromGraphModel({predict: () => undefined})).toThrow(/graphModel must be a GraphModel/);
    expect(() => teacherFromLayersModel(graphOf(input) as never)).toThrow(UnsupportedModelError);
  });
});

it.skipIf(!isThere)('a GraphModel that takes one image at a time is run image by image', async () => {
  const graph = await loadGraphModelFromFiles(`${folder}/seq_graph`);
  const images: Tensor4D = tensor(new Float32Array((await readBytes(`${folder}/seq_graph/input.f32`))!), [2, 64, 64, 3]);
  const seen: number[] = [];
  const single = Object.create(graph, {
    inputs: {value: [{name: (graph.inputs as {name: string}[])[0]!.name, shape: [1, 64, 64, 3]}]},
    execute: {
      value: (inputs: Record<string, Tensor4D>, outputs: string[]) => {
        seen.push(Object.values(inputs)[0]!.shape[0]);
        return (graph as unknown as {execute: (...given: unknown[]) => unknown}).execute(inputs, outputs);
      },
    },
  }) as GraphModelLike;
  const [a, b] = [teacherFromGraphModel(single).logits(images), teacherFromGraphModel(graph).logits(images)];
  expectClose(await a.data(), await b.data(), {abs: 1e-5});
  expect(new Set(seen)).toEqual(new Set([1]));
  [a, b, images, graph].forEach((each) => each.dispose());
});
