import '../helpers/use-wasm.js';
import {
  div,
  fill,
  mean,
  moments,
  randomNormal,
  randomUniform,
  softmax,
  sub,
  abs,
  max,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model, sequential, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {
  LayerNotFoundError,
  UnsupportedModelError,
  residualStudent,
  studentFromTeacher,
  teacherFromLayersModel,
  type Student,
} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';
import {read, readAll} from '../helpers/read.js';
import {explanationDecoder} from '../../src/models/explanation-decoder.js';
import {attentionSites} from '../../src/models/students/student-from-teacher.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';

const conv = (filters: number, strides = 1, name?: string): layers.Layer =>
  layers.conv2d({filters, kernelSize: 3, strides, padding: 'same', activation: 'relu', ...(name ? {name} : {})});
const join = (layer: layers.Layer, tensors: SymbolicTensor[]): SymbolicTensor => layer.apply(tensors) as SymbolicTensor;
const then = (x: SymbolicTensor, ...steps: layers.Layer[]): SymbolicTensor =>
  steps.reduce((value, step) => step.apply(value) as SymbolicTensor, x);
const head = (): layers.Layer[] => [layers.globalAveragePooling2d({}), layers.dense({units: 5, activation: 'softmax'})];

/** Teachers of every kind of graph, for images of 24×32. */
const graphs: Record<string, () => LayersModel> = {
  'a chain': () =>
    sequential({
      layers: [
        layers.conv2d({inputShape: [24, 32, 3], filters: 4, kernelSize: 3, strides: 2, padding: 'same'}),
        conv(6, 2),
        conv(8, 2),
        ...head(),
      ],
    }),
  'residual joins and batch norm': () => {
    const x = input({shape: [24, 32, 3]});
    const a = then(x, conv(4, 2), layers.batchNormalization({}));
    const b = join(layers.add(), [a, then(a, conv(4), layers.batchNormalization({scale: false}))]);
    const c = then(b, conv(6, 2));
    const d = join(layers.add(), [c, then(c, conv(6))]);
    return model({inputs: x, outputs: then(d, conv(8, 2), ...head())});
  },
  'concatenating joins': () => {
    const x = input({shape: [24, 32, 3]});
    const a = then(x, conv(4, 2));
    const b = join(layers.concatenate(), [a, then(a, conv(3))]);
    const c = then(join(layers.concatenate(), [b, then(b, conv(3))]), layers.averagePooling2d({poolSize: 2}), conv(5));
    return model({inputs: x, outputs: then(c, conv(8, 2), ...head())});
  },
  'a nested model and a shared layer': () => {
    const inner = sequential({
      name: 'inner',
      layers: [layers.conv2d({inputShape: [12, 16, 4], filters: 4, kernelSize: 3, padding: 'same', activation: 'relu'}), conv(6, 2)],
    });
    const shared = conv(6, 1, 'shared');
    const x = input({shape: [24, 32, 3]});
    const y = then(
      x,
      conv(4, 2),
      inner as unknown as layers.Layer,
      shared,
      shared,
      conv(8, 2),
      layers.globalAveragePooling2d({}),
      layers.dense({units: 5}),
      layers.softmax(),
    );
    return model({inputs: x, outputs: y});
  },
};

describe('a student from the teacher', () => {
  for (const [kind, make] of Object.entries(graphs)) {
    it(`copies ${kind} and starts as the teacher does`, () =>
      expectNoLeak(async () => {
        const original = make();
        const before = await hashWeights(original);
        const trainable = original.trainableWeights.length;
        const teacher = teacherFromLayersModel(original);
        const student = await studentFromTeacher({initialGate: 1 - 1e-6})(teacher, {seed: 1});
        const taps = student.model.outputs.slice(1).map(({shape}) => shape.slice(1, 3));
        expect(taps).toEqual([
          [12, 16],
          [6, 8],
          [3, 4],
        ]);
        const [difference] = await read(() => {
          const images = randomNormal([3, 24, 32, 3], 0, 1, 'float32', 4) as Tensor4D;
          const [logits] = student.model.predict(images) as [Tensor2D];
          return max(abs(sub(softmax(logits), softmax(teacher.logits(images)))));
        });
        expect(difference).toBeLessThan(1e-4);
        expect(await hashWeights(original)).toBe(before);
        expect(original.trainableWeights.length).toBe(trainable);
        disposeModel(student.model);
        disposeModel(original);
      }));
  }

  it('scales features by the gates: Δf of 0.9² − 1 at the first tap', () =>
    expectNoLeak(async () => {
      const original = graphs['a chain']!();
      const student = await studentFromTeacher({initialGate: 0.9, delta: 'signed'})(teacherFromLayersModel(original), {seed: 1});
      const [ratio] = await read(() => {
        const images = randomUniform([1, 24, 32, 3], 0, 1, 'float32', 2) as Tensor4D;
        const first = original.layers[0]!.apply(images) as Tensor;
        const delta = (student.model.predict(images) as Tensor[])[1]!;
        return div(mean(delta), mean(first));
      });
      expect(ratio).toBeCloseTo(0.81 - 1, 4);
      disposeModel(student.model);
      disposeModel(original);
    }));

  it('takes taps by name and lists those that qualify', () =>
    expectNoLeak(async () => {
      const original = graphs['residual joins and batch norm']!();
      const sites = attentionSites(original).map(({path}) => path);
      const teacher = teacherFromLayersModel(original);
      const chosen = [sites[0]!, sites[1]!, sites.at(-1)!];
      const student = await studentFromTeacher({taps: chosen})(teacher, {seed: 1});
      expect(student.model.outputs[1]!.shape.slice(1, 3)).toEqual([12, 16]);
      // The second branch of a residual join is not on the only way.
      const inBranch = original.layers.find((layer) => layer.getClassName() === 'Conv2D' && !sites.includes(layer.name))!.name;
      const refused =
        (taps: readonly (string | undefined)[]): (() => unknown) =>
        () =>
          studentFromTeacher({taps: taps as string[]})(teacher, {seed: 1});
      expect(refused([inBranch, chosen[1], chosen[2]])).toThrow(LayerNotFoundError);
      expect(refused(['nowhere', chosen[1], chosen[2]])).toThrow(new RegExp(`'nowhere'.*'${chosen[0]}'`));
      expect(refused([chosen[0], chosen[1], chosen[1]])).toThrow(`taps must differ from each other, but '${chosen[1]}' is there twice`);
      disposeModel(student.model);
      disposeModel(original);
    }));

  it('spreads taps evenly where there are fewer scales than taps', () =>
    expectNoLeak(async () => {
      const chain = sequential({
        layers: [
          layers.inputLayer({inputShape: [8, 8, 2]}),
          ...Array.from({length: 7}, (_, index) => conv(3, 1, `conv_${index}`)),
          ...head(),
        ],
      });
      const teacher = teacherFromLayersModel(chain);
      for (const [scales, expected] of [
        [3, ['conv_2', 'conv_4', 'conv_6']],
        [2, ['conv_3', 'conv_6']],
        [7, Array.from({length: 7}, (_, index) => `conv_${Math.floor(((index + 1) * 6) / 7)}`)],
      ] as const) {
        const {model: student} = await studentFromTeacher({scales})(teacher, {seed: 1});
        const attended = student.layers.filter((layer) => layer.getClassName() === 'AttentiveCBAM');
        const behind = attended.map(
          ({inboundNodes}) => (inboundNodes[0] as unknown as {inboundLayers: {name: string}[]}).inboundLayers[0]!.name,
        );
        expect(behind).toEqual([...new Set(expected)]);
        disposeModel(student);
      }
      disposeModel(chain);
    }));

  it.each([
    ['five scales: the four coarsest', [2, 2, 2, 2, 2], [1, 2, 3, 4]],
    ['three scales: all', [1, 2, 1, 2], [0, 2, 3]],
    ['two scales: four places, evenly', [1, 1, 1, 1, 2, 1, 1, 1, 1], [2, 4, 6, 8]],
    ['two places: both', [2, 2], [0, 1]],
  ] as const)('chooses by itself, of %s', (_, strides, expected) =>
    expectNoLeak(async () => {
      const chain = sequential({
        layers: [
          layers.inputLayer({inputShape: [64, 64, 2]}),
          ...strides.map((stride, index) => conv(3, stride, `conv_${index}`)),
          ...head(),
        ],
      });
      const {model: student} = await studentFromTeacher()(teacherFromLayersModel(chain), {seed: 1});
      const attended = student.layers.filter((layer) => layer.getClassName() === 'AttentiveCBAM');
      const behind = attended.map(
        ({inboundNodes}) => (inboundNodes[0] as unknown as {inboundLayers: {name: string}[]}).inboundLayers[0]!.name,
      );
      expect(behind).toEqual(expected.map((index) => `conv_${index}`));
      for (const model of [student, chain]) disposeModel(model);
    }),
  );

  it('refuses a graph without three places and a teacher without a graph', () =>
    expectNoLeak(async () => {
      const small = sequential({
        layers: [
          layers.conv2d({inputShape: [8, 8, 1], filters: 2, kernelSize: 3}),
          layers.flatten(),
          layers.dense({units: 2, activation: 'softmax'}),
        ],
      });
      const teacher = teacherFromLayersModel(small);
      expect(() => studentFromTeacher()(teacher, {seed: 0})).toThrow(UnsupportedModelError);
      expect(() => studentFromTeacher()({...teacher, model: undefined}, {seed: 0})).toThrow(/residualStudent/);
      await Promise.resolve();
      small.dispose();
    }));
});

describe('studentFromTeacher() refuses', () => {
  it.each<[string, unknown, string]>([
    ['a misspelt option', {initalGate: 0.5}, "there is no option 'initalGate'. Did you mean 'initialGate'?"],
    ['an open gate', {initialGate: 1}, 'initialGate must be a finite number from 0.000001 to 0.999999, but is 1.'],
    ['half a ratio', {ratio: 0.5}, 'ratio must be a whole number from 1 to 65536, but is 0.5.'],
    ['another delta', {delta: 'absolute'}, "delta must be one of 'signed', 'rectified', 'normalized', but is \"absolute\"."],
    ['one tap', {taps: ['a']}, 'taps must be a list of at least 2, each a text, but is ["a"].'],
    ['one scale', {scales: 1}, 'scales must be a whole number from 2 to 16, but is 1.'],
    ['taps by number', {taps: [1, 2, 3]}, 'taps[0] must be a text, but is 1.'],
    ['null', null, 'options must be an object, but is null.'],
  ])('%s', (_, options, message) => {
    expect(() => studentFromTeacher(options as never)).toThrow(`studentFromTeacher: ${message}`);
  });

  it('by its builder, what is no Teacher and no seed', () => {
    const original = graphs['a chain']!();
    expect(() => studentFromTeacher()(original as never, {seed: 1})).toThrow(/^studentFromTeacher: teacher must be a Teacher/);
    expect(() => studentFromTeacher()(teacherFromLayersModel(original), {sed: 1} as never)).toThrow(/no option 'sed'. Did you mean 'seed'/);
    expect(() => attentionSites(Promise.resolve(original) as never)).toThrow(
      'attentionSites: teacherModel must be a LayersModel, but is a promise (await it first).',
    );
    disposeModel(original);
  });
});

describe('a residual student', () => {
  const teacher = {
    name: 't',
    inputShape: [32, 48, 3] as const,
    numClasses: 7,
    logits: (): Tensor2D => {
      throw new Error('not asked');
    },
  };
  const build = async (options: Parameters<typeof residualStudent>[0], seed = 1): Promise<Student> =>
    residualStudent(options)(teacher, {seed});

  it('has logits and Δf at the last three stages, for every depth and stem', () =>
    expectNoLeak(async () => {
      for (const [depth, expansion] of [
        [18, 1],
        [34, 1],
        [50, 4],
      ] as const) {
        const {model: net, trainingMode} = await build({depth, width: 4});
        expect(net.outputs.map(({shape}) => shape)).toEqual([
          [null, 7],
          [null, 16, 24, 8 * expansion],
          [null, 8, 12, 16 * expansion],
          [null, 4, 6, 32 * expansion],
        ]);
        expect(trainingMode).toBe(true);
        const blocks = {18: 6, 34: 13, 50: 13}[depth];
        expect(net.layers.filter((layer) => layer.getClassName() === 'AttentiveCBAM')).toHaveLength(blocks);
        disposeModel(net);
      }
      const {model: net} = await build({depth: 18, width: 4, stem: 'imagenet'});
      expect(net.outputs[1]!.shape).toEqual([null, 4, 6, 8]);
      disposeModel(net);
    }));

  it('has the weights of a ResNet-50 besides its attention', () =>
    expectNoLeak(async () => {
      const imagenet = {...teacher, inputShape: [224, 224, 3] as const, numClasses: 1000};
      const {model: net} = await residualStudent()(imagenet, {seed: 0});
      const attention = net.layers.filter((layer) => layer.getClassName() === 'AttentiveCBAM').flatMap(({weights}) => weights);
      const count = (weights: {shape: readonly (number | null)[]}[]): number =>
        weights.reduce((sum, {shape}) => sum + shape.reduce<number>((product, size) => product * (size ?? 1), 1), 0);
      // 25,557,032 trainable parameters and 53,120 running statistics.
      expect(net.countParams() - count(attention)).toBe(25_557_032 + 53_120);
      disposeModel(net);
    }));

  it('depends on its seed alone', () =>
    expectNoLeak(async () => {
      const [a, b, c] = [
        await build({depth: 18, width: 2}, 1),
        await build({depth: 18, width: 2}, 1),
        await build({depth: 18, width: 2}, 2),
      ];
      const last = ({model: net}: Student): Promise<ArrayLike<number>> => net.getLayer('logits').getWeights()[0]!.data();
      expect(await last(a)).toEqual(await last(b));
      expect(await last(a)).not.toEqual(await last(c));
      for (const {model: net} of [a, b, c]) disposeModel(net);
    }));

  it('refuses what it does not know', () => {
    expect(() => residualStudent({depth: 101 as never})).toThrow('residualStudent: depth must be one of 18, 34, 50, but is 101.');
    expect(() => residualStudent({depth: '50' as never})).toThrow(TypeError);
    expect(() => residualStudent({width: 0})).toThrow('residualStudent: width must be a whole number from 1 to 8192, but is 0.');
    expect(() => residualStudent({width: 1e9})).toThrow(RangeError);
    expect(() => residualStudent({stem: 'large' as never})).toThrow(/stem must be one of 'auto', 'imagenet', 'small'/);
    expect(() => residualStudent({delta: 'normalised' as never})).toThrow(/delta must be one of 'signed', 'rectified', 'normalized'/);
    expect(() => residualStudent({ratio: 0})).toThrow(/ratio must be a whole number from 1 to 65536, but is 0/);
    expect(() => residualStudent({depht: 50} as never)).toThrow("residualStudent: there is no option 'depht'. Did you mean 'depth'?");
    const builder = residualStudent({depth: 18, width: 2});
    expect(() => builder(undefined as never, {seed: 0})).toThrow('residualStudent: teacher must be a Teacher');
    expect(() => builder(teacher, undefined as never)).toThrow(
      'residualStudent: seed must be a whole number from 0 to 4294967295, but is undefined.',
    );
    expect(() => builder(teacher, {seed: -1})).toThrow(RangeError);
  });
});

describe('the explanation network', () => {
  it('draws a map of the input size around one half that varies, for any three shapes', () =>
    expectNoLeak(async () => {
      for (const shapes of [
        [
          [12, 16, 8],
          [6, 8, 16],
          [3, 4, 32],
        ],
        [
          [5, 5, 3],
          [5, 5, 3],
          [5, 5, 3],
        ],
        [
          [2, 3, 4],
          [7, 5, 6],
          [9, 1, 2],
        ],
      ] as [number, number, number][][]) {
        const decoder = explanationDecoder(shapes, [24, 32], {seed: 5});
        const {centre, variance} = await readAll(() => {
          const deltas = shapes.map((shape, index) => randomNormal([4, ...shape], 0, 1, 'float32', 10 + index));
          const saliency = decoder.predict(deltas) as Tensor4D;
          expect(saliency.shape).toEqual([4, 24, 32, 1]);
          const {mean: middle, variance: spread} = moments(saliency);
          return {centre: middle, variance: spread};
        });
        const [fine] = shapes as [[number, number, number]];
        const finest = decoder.getLayer('upsample_3').outputShape as number[];
        expect(finest.slice(1, 3)).toEqual([Math.min(2 * fine[0], 24), Math.min(2 * fine[1], 32)]);
        expect(centre[0]).toBeGreaterThan(0.2);
        expect(centre[0]).toBeLessThan(0.8);
        expect(variance[0]).toBeGreaterThan(1e-4);
        decoder.dispose();
      }
    }));

  it('takes any number of taps, and draws any values for the ranking loss, without a frame', () =>
    expectNoLeak(async () => {
      for (const count of [2, 4, 5]) {
        const shapes = Array.from({length: count}, (_, index) => [32 >> index, 16 >> index, 2 + index] as const);
        const decoder = explanationDecoder(shapes, [64, 32], {border: 'replicate', head: 'linear'});
        const blocks = decoder.layers.filter((layer) => layer.getClassName() === 'AttentiveUpsampleBlock');
        expect(blocks.map((block) => (block as unknown as {filters: number}).filters)).toEqual(
          {2: [32, 16, 1], 4: [64, 64, 32, 16, 1], 5: [64, 64, 64, 32, 16, 1]}[count],
        );
        const even = await read(() => decoder.predict(shapes.map((shape) => fill([1, ...shape], 0.7))) as Tensor);
        expect(Math.max(...even) - Math.min(...even)).toBeLessThan(1e-5);
        const varied = await read(() => decoder.predict(shapes.map((shape) => randomNormal([1, ...shape], 0, 3, 'float32', 4))) as Tensor);
        expect(varied).toHaveLength(64 * 32);
        expect(Math.max(...varied) - Math.min(...varied)).toBeGreaterThan(1);
        decoder.dispose();
      }
    }));

  it('reduces the deepest tap, too, where that is asked for, so that its size hardly grows with the teacher', () =>
    expectNoLeak(() => {
      const weightsOf = (channels: number, reduceDeepest: boolean): number => {
        const shapes = [
          [8, 8, 32],
          [4, 4, channels],
        ] as const;
        const decoder = explanationDecoder(shapes, [16, 16], {reduceDeepest});
        const count = decoder.countParams();
        decoder.dispose();
        return count;
      };
      // The first block has 32 filters: a 3×3 convolution of 4096 channels, or of 32.
      expect(weightsOf(4096, false) - weightsOf(2048, false)).toBe(2048 * 9 * 32);
      expect(weightsOf(4096, true) - weightsOf(2048, true)).toBe(2048 * 32);
      return Promise.resolve();
    }));

  it('refuses other taps, sizes and options, naming them', () =>
    expectNoLeak(() => {
      const taps = [
        [4, 4, 2],
        [2, 2, 2],
        [1, 1, 2],
      ] as const;
      const refusals: [unknown, unknown, unknown, new (message: string) => Error, string][] = [
        [[[2, 2, 2]], [4, 4], {}, RangeError, 'tapShapes must be at least 2 shapes [height, width, channels], finest first, but has 1.'],
        [
          undefined,
          [4, 4],
          {},
          TypeError,
          'tapShapes must be at least 2 shapes [height, width, channels], finest first, but is undefined.',
        ],
        [[...taps.slice(1), 5], [4, 4], {}, TypeError, 'tapShapes[2] must be [height, width, channels], but is 5.'],
        [[...taps.slice(1), [2, 2]], [4, 4], {}, RangeError, 'tapShapes[2] must be [height, width, channels], but is [2, 2].'],
        [[...taps.slice(1), [0, 2, 2]], [4, 4], {}, RangeError, 'tapShapes[2]: height must be a whole number of at least 1, but is 0.'],
        [[...taps.slice(1), [2, 2, 1e9]], [4, 4], {}, RangeError, 'tapShapes[2]: channels must be a whole number from 1 to 65536'],
        [taps, 4, {}, TypeError, 'inputSize must be [height, width], but is 4.'],
        [taps, [4], {}, RangeError, 'inputSize must be [height, width], but is [4].'],
        [taps, [1e9, 1e9], {}, RangeError, 'inputSize: height · width must be at most'],
        [taps, [4, 4], {filters: [1, 2]}, RangeError, 'filters must be 3 numbers, one per tap, but are 2.'],
        [taps, [4, 4], {border: 'mirror'}, RangeError, "border must be one of 'zeros', 'replicate', but is"],
        [taps, [4, 4], {filters: [1, 2, 0]}, RangeError, 'filters[2] must be a whole number from 1 to 8192, but is 0.'],
        [taps, [4, 4], {filter: [1, 2, 3]}, TypeError, "there is no option 'filter'. Did you mean 'filters'?"],
        [taps, [4, 4], {seed: 'a'}, TypeError, 'seed must be a whole number from 0 to 4294967295, but is "a".'],
      ];
      for (const [shapes, size, options, kind, message] of refusals) {
        const call = (): unknown => explanationDecoder(shapes as never, size as never, options as never);
        expect(call).toThrow(kind);
        expect(call).toThrow(`explanationDecoder: ${message}`);
      }
    }));
});
