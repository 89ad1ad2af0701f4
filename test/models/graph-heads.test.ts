/** How a graph ends and where it can be cut, on graphs whose answer is known. */
import '../helpers/use-wasm.js';
import {log, memory, sub, tensor, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {gradientSaliency, rise, teacherFromGraphModel, UnsupportedModelError} from '../../src/index.js';
import {listLayers} from '../../src/models/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {graphModelOf, sameSize, type ConstantOf, type NodeOf} from '../helpers/graph-model-of.js';

const wave = (count: number, speed: number): number[] => Array.from({length: count}, (_, index) => Math.sin(index * speed + speed));
const constants: Readonly<Record<string, ConstantOf>> = {
  kernel: {shape: [3, 3, 3, 4], values: wave(108, 12.99)},
  axes: {shape: [2], values: [1, 2], whole: true},
  last: {shape: [], values: [3], whole: true},
  zero: {shape: [4], values: [0, 0, 0, 0]},
  pairs: {shape: [4, 2], values: [1, 0, 1, 0, 0, 1, 0, 1]},
  squared: {shape: [4, 4], values: wave(16, 7.3)},
  rows: {shape: [2], values: [-1, 4], whole: true},
};
const conv: NodeOf = ['conv', 'Conv2D', ['x', 'kernel'], sameSize];
const pooled = (of: string): NodeOf => ['pooled', 'Mean', [of, 'axes'], {keep_dims: {b: false}}];
const product = {transpose_a: {b: false}, transpose_b: {b: false}};
const soft: readonly NodeOf[] = [conv, pooled('conv'), ['soft', 'Softmax', ['pooled']]];
const image = (): Tensor4D => tensor(wave(192, 3.1), [1, 8, 8, 3]);

describe('a graph that goes on behind its softmax or sigmoid is refused, not squashed twice', () => {
  it.each<[string, readonly NodeOf[], RegExp]>([
    ['a constant is added', [...soft, ['y', 'AddV2', ['soft', 'zero']]], /ends in AddV2 'y', but Softmax 'soft'/],
    ['classes are summed in pairs', [...soft, ['y', 'MatMul', ['soft', 'pairs'], product]], /ends in MatMul 'y', but Softmax 'soft'/],
    [
      'so, with a bias',
      [...soft, ['sums', 'MatMul', ['soft', 'squared'], product], ['y', 'BiasAdd', ['sums', 'zero']]],
      /BiasAdd 'y', but Softmax 'soft'/,
    ],
    ['of every pixel, and the mean follows', [conv, ['soft', 'Softmax', ['conv']], pooled('soft')], /Mean 'pooled', but Softmax 'soft'/],
    [
      'a maximum of two',
      [...soft, ['gate', 'Sigmoid', ['pooled']], ['most', 'Maximum', ['soft', 'gate']], ['y', 'AddV2', ['most', 'zero']]],
      /AddV2 'y', but (?:Softmax 'soft'|Sigmoid 'gate')/,
    ],
    [
      'what it closes is one of several outputs',
      [conv, pooled('conv'), ['parts', 'Split', ['first', 'pooled'], {num_split: {i: '2'}}], ['y', 'Softmax', ['parts:1']]],
      /Softmax 'y' closes one of several outputs of Split 'parts'/,
    ],
  ])('where %s', async (_, nodes, message) => {
    const before = memory().numTensors;
    const graph = await graphModelOf(nodes, {...constants, first: {shape: [], values: [1], whole: true}});
    expect(() => teacherFromGraphModel(graph)).toThrow(UnsupportedModelError);
    expect(() => teacherFromGraphModel(graph)).toThrow(message);
    graph.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('unless the option output names the node that gives the logits', () =>
    expectNoLeak(async () => {
      const graph = await graphModelOf([...soft, ['y', 'AddV2', ['soft', 'zero']]], constants);
      const x = image();
      const logits = teacherFromGraphModel(graph, {output: 'pooled'}).logits(x);
      // Logits differ from the logarithm of the probabilities by one number.
      const probabilities = graph.predict(x) as Tensor2D;
      const shift = tidy(() => sub(logits, log(probabilities)));
      const shifts = await shift.data();
      expectClose(
        shifts,
        [0, 1, 2, 3].map(() => shifts[0]!),
        {abs: 1e-5},
      );
      [graph, x, logits, probabilities, shift].forEach((each) => each.dispose());
    }));
});

describe('a graph that ends in logits is one also where', () => {
  it.each<[string, readonly NodeOf[]]>([
    [
      'its features pass through a swish',
      [
        conv,
        ['gate', 'Sigmoid', ['conv']],
        ['swish', 'Mul', ['conv', 'gate']],
        pooled('swish'),
        ['y', 'MatMul', ['pooled', 'squared'], product],
      ],
    ],
    [
      'a hidden layer has sigmoids',
      [conv, pooled('conv'), ['hidden', 'Sigmoid', ['pooled']], ['y', 'MatMul', ['hidden', 'squared'], product]],
    ],
    [
      'a softmax says where to look',
      [
        conv,
        ['look', 'Softmax', ['conv']],
        ['seen', 'Mul', ['conv', 'look']],
        pooled('seen'),
        ['y', 'MatMul', ['pooled', 'squared'], product],
      ],
    ],
  ])('%s', (_, nodes) =>
    expectNoLeak(async () => {
      const graph = await graphModelOf(nodes, constants);
      const x = image();
      const [logits, output] = [teacherFromGraphModel(graph).logits(x), graph.predict(x) as Tensor2D];
      expectClose(await logits.data(), await output.data(), {abs: 1e-6});
      [graph, x, logits, output].forEach((each) => each.dispose());
    }),
  );
});

describe('a graph whose features are split and joined again', () => {
  const nodes: readonly NodeOf[] = [
    conv,
    ['parts', 'Split', ['last', 'conv'], {num_split: {i: '2'}}],
    ['half', 'Elu', ['parts:1']],
    ['joined', 'ConcatV2', ['parts', 'half', 'last'], {N: {i: '2'}}],
    pooled('joined'),
    ['y', 'Softmax', ['pooled']],
  ];

  it('is cut where one tensor carries everything, and computes what the whole graph does', () =>
    expectNoLeak(async () => {
      const graph = await graphModelOf(nodes, constants);
      const teacher = teacherFromGraphModel(graph);
      expect(listLayers(teacher.model!).map(({path}) => path)).toEqual(['conv', 'joined', 'pooled', 'y/closing']);
      const x = image();
      const probabilities = graph.predict(x) as Tensor2D;
      const values = await probabilities.data();
      const [map] = await rise(x, graph, {numMasks: 4});
      expect(map!.score).toBeCloseTo(Math.max(...values), 5);
      [graph, x, probabilities].forEach((each) => each.dispose());
    }));

  it('has the gradient that differences give', () =>
    expectNoLeak(async () => {
      const graph = await graphModelOf(nodes, constants);
      const teacher = teacherFromGraphModel(graph);
      const target = 1;
      const pixels = wave(192, 3.1);
      const whole = image();
      const [map] = await gradientSaliency(whole, teacher, {target, reduce: 'signed-sum'});
      const logitOf = async (values: number[]): Promise<number> => {
        const x: Tensor4D = tensor(values, [1, 8, 8, 3]);
        const logits = teacher.logits(x);
        const value = (await logits.data())[target]!;
        x.dispose();
        logits.dispose();
        return value;
      };
      for (const pixel of [0, 27, 63]) {
        const changed = (by: number): number[] => pixels.map((value, index) => (Math.floor(index / 3) === pixel ? value + by : value));
        const difference = ((await logitOf(changed(0.05))) - (await logitOf(changed(-0.05)))) / 0.1;
        expect(map!.data[pixel]).toBeCloseTo(difference, 3);
      }
      [graph, whole].forEach((each) => each.dispose());
    }));
});
