import {
  add,
  dispose,
  engine,
  grad,
  memory,
  mul,
  randomNormal,
  relu,
  sub,
  sum,
  tidy,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model, sequential, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import {describe, expect, it, vi} from 'vitest';
import {AttentionDelta, BilinearResize, CBAM, ChannelAttention, SpatialAttention, UpsampleBlock} from '../../src/layers/index.js';
import {CompiledModel} from '../../src/models/compiled/compiled-model.js';
import {inBrowser} from '../helpers/environment.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {drawWeights} from '../helpers/trained-like.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';

type Layer = layers.Layer;
const through = (x: SymbolicTensor, ...steps: Layer[]): SymbolicTensor =>
  steps.reduce((value, step) => step.apply(value) as SymbolicTensor, x);
const join = (layer: Layer, tensors: SymbolicTensor[]): SymbolicTensor => layer.apply(tensors) as SymbolicTensor;
const conv = (filters: number, config: object = {}): Layer => layers.conv2d({filters, kernelSize: 3, padding: 'same', ...config});
const norm = (config: object = {}): Layer => layers.batchNormalization(config);
const activation = (name: 'relu' | 'relu6' | 'sigmoid' | 'linear'): Layer => layers.activation({activation: name});

const image = (seed: number, shape: [number, number, number] = [9, 12, 3], count = 2): Tensor4D =>
  randomNormal([count, ...shape], 0, 1, 'float32', seed);

/** Compares all outputs with `predict`'s, then frees everything. */
async function expectSame(network: LayersModel, images: Tensor4D): Promise<void> {
  drawWeights(network, 5);
  const compiled = new CompiledModel(network);
  const expected = [network.predict(images)].flat();
  const actual = compiled.run([images]);
  expect(actual.map(({shape}) => shape)).toEqual(expected.map(({shape}) => shape));
  for (const [index, tensor] of expected.entries())
    expectClose(await actual[index]!.data(), await tensor.data(), {abs: 1e-5, relToMax: 1e-5}, `output ${index}`);
  compiled.dispose();
  dispose([expected, actual, images]);
  disposeModel(network);
}

/** Names of the kernels that a compiled model asks for, in order; tfjs-node composes some of several. */
function kernelsOf(compiled: CompiledModel, images: Tensor4D, outputs?: number[]): string[] {
  const names: string[] = [];
  let depth = 0;
  const runKernel = engine().runKernel.bind(engine());
  const spy = vi.spyOn(engine(), 'runKernel').mockImplementation((name, ...rest) => {
    if (depth++ === 0) names.push(name);
    try {
      return runKernel(name, ...rest);
    } finally {
      depth--;
    }
  });
  try {
    dispose(compiled.run([images], outputs));
    return names;
  } finally {
    spy.mockRestore();
  }
}

describe('a compiled model computes what predict computes:', () => {
  const graphs: Record<string, (x: SymbolicTensor) => SymbolicTensor | SymbolicTensor[]> = {
    'convolutions with batch norm and activations': (x) =>
      through(
        x,
        conv(4, {useBias: false}),
        norm(),
        activation('relu'),
        conv(5, {strides: 2}),
        norm({scale: false}),
        layers.reLU({maxValue: 6}),
        conv(3, {activation: 'relu6'}),
        norm({center: false}),
      ),
    'two batch norms in a row, then an activation of the convolution itself': (x) =>
      through(x, conv(4), norm(), norm(), conv(4, {activation: 'sigmoid'}), norm(), conv(2, {activation: 'tanh'}), activation('relu')),
    'depthwise convolutions, also with several channels per input': (x) =>
      through(
        x,
        layers.depthwiseConv2d({kernelSize: 3, padding: 'same', depthMultiplier: 2}),
        norm(),
        layers.reLU(),
        layers.depthwiseConv2d({kernelSize: 2, strides: 2, useBias: false}),
        norm(),
        activation('relu6'),
      ),
    'zeros in front of a convolution': (x) =>
      through(
        x,
        layers.zeroPadding2d({
          padding: [
            [0, 1],
            [2, 0],
          ],
        }),
        conv(4, {padding: 'valid', strides: 2}),
        norm(),
        layers.zeroPadding2d({padding: 1}),
        layers.depthwiseConv2d({kernelSize: 3, strides: 2}),
        layers.reLU(),
      ),
    'zeros in front of what pads by itself, of pooling, and of two readers': (x) => {
      const a = through(x, layers.zeroPadding2d({padding: 2}), conv(3));
      const padded = through(a, layers.zeroPadding2d({padding: 1}));
      return join(layers.add(), [
        through(padded, conv(3, {padding: 'valid'})),
        through(padded, layers.maxPooling2d({poolSize: 3, strides: 1})),
      ]);
    },
    'batch norm in front of the convolution, as in DenseNet': (x) => {
      const a = through(x, conv(6));
      const b = through(a, norm(), activation('relu'), conv(4), norm(), activation('relu'), conv(2));
      return through(join(layers.concatenate(), [a, b]), norm(), activation('relu'), layers.averagePooling2d({poolSize: 2}));
    },
    'convolutions to a single channel': (x) => {
      const wide = through(x, conv(19));
      const a = through(wide, conv(1), norm(), activation('relu'));
      const b = through(wide, layers.zeroPadding2d({padding: 2}), conv(1, {padding: 'valid', kernelSize: [5, 5], useBias: false}));
      return [join(layers.multiply(), [a, b]), through(wide, conv(1, {strides: 2, activation: 'sigmoid'}))];
    },
    'residual joins of two and three': (x) => {
      const a = through(x, conv(4), norm());
      const b = through(join(layers.add(), [a, through(a, conv(4), norm(), activation('relu'))]), activation('relu'));
      return through(join(layers.add(), [a, b, through(b, conv(4))]), norm());
    },
    'a convolution that has two readers, and one that is an output': (x) => {
      const a = through(x, conv(4));
      const b = through(a, norm());
      return [join(layers.multiply(), [a, b]), a, through(b, activation('relu')), b];
    },
    'a layer and a whole model that are used twice': (x) => {
      const shared = conv(3);
      const inner = sequential({
        layers: [layers.conv2d({inputShape: [9, 12, 3], filters: 3, kernelSize: 3, padding: 'same'}), norm(), activation('relu')],
      }) as unknown as Layer;
      return join(layers.concatenate(), [through(x, shared, norm(), shared, inner), through(x, inner)]);
    },
    'layers that only hand on, also to two outputs': (x) => {
      const a = through(x, conv(4), layers.dropout({rate: 0.5}), norm(), activation('linear'), activation('relu'));
      const b = through(a, layers.gaussianNoise({stddev: 1}));
      return [a, b, through(b, layers.dropout({rate: 0.2}), conv(2))];
    },
    'dense layers with batch norm, on rows and on maps': (x) =>
      through(
        x,
        layers.dense({units: 4, activation: 'relu'}),
        norm(),
        layers.globalAveragePooling2d({}),
        layers.dense({units: 6, useBias: false}),
        norm(),
        activation('relu'),
        layers.dense({units: 3, activation: 'softmax'}),
      ),
    'a dilated convolution and one with its channels first': (x) =>
      through(
        x,
        conv(4, {dilationRate: 2}),
        norm(),
        layers.permute({dims: [3, 1, 2]}),
        layers.conv2d({filters: 3, kernelSize: 3, dataFormat: 'channelsFirst'}),
        layers.permute({dims: [2, 3, 1]}),
        norm(),
      ),
    'what it does not know': (x) =>
      through(
        x,
        layers.separableConv2d({filters: 4, kernelSize: 3}),
        norm(),
        layers.leakyReLU(),
        layers.reLU({maxValue: 3}),
        layers.upSampling2d({size: [2, 2]}),
        layers.layerNormalization({}),
        layers.elu(),
      ),
    'the attention module in its forms': (x) => {
      const features = through(x, conv(32), norm());
      const parts = [
        new CBAM({seed: 1}),
        new CBAM({poolOrder: 'mean-max', spatialBatchNorm: false, kernelSize: 3}),
        new CBAM({spatial: false}),
        new ChannelAttention({ratio: 4}),
        new SpatialAttention(),
        new SpatialAttention({batchNorm: false, poolOrder: 'mean-max'}),
      ];
      const attended = parts.map((part) => through(features, part));
      return [
        ...attended,
        ...(['signed', 'rectified', 'normalized'] as const).map((mode, index) =>
          join(new AttentionDelta({mode}), [attended[index]!, features]),
        ),
      ];
    },
    'attention to few channels and to a single place': (x) =>
      through(
        x,
        new CBAM(),
        conv(6),
        new CBAM({ratio: 2}),
        layers.globalAveragePooling2d({}),
        layers.reshape({targetShape: [1, 1, 6]}),
        new CBAM({ratio: 2}),
      ),
    'the parts of the decoder': (x) =>
      through(
        x,
        new UpsampleBlock({filters: 4}),
        new UpsampleBlock({filters: 4, border: 'replicate'}),
        new UpsampleBlock({filters: 3, size: [20, 15], kernelSize: 1}),
        new BilinearResize({size: [31, 33]}),
      ),
  };
  for (const [kind, make] of Object.entries(graphs)) {
    it(kind, () =>
      expectNoLeak(() => {
        const x = input({shape: [9, 12, 3]});
        return expectSame(model({inputs: x, outputs: make(x)}), image(1));
      }),
    );
  }

  it('any graph', {timeout: 240_000}, () =>
    expectNoLeak(async () => {
      const kinds = [
        'conv',
        'pointwise',
        'strided',
        'depthwise',
        'norm',
        'relu',
        'relu6',
        'sigmoid',
        'pad',
        'drop',
        'add',
        'concat',
        'pool',
        'attend',
        'twice',
        'tap',
      ] as const;
      const steps = fc.array(fc.record({kind: fc.constantFrom(...kinds), other: fc.nat(50), width: fc.integer({min: 1, max: 20})}), {
        minLength: 3,
        maxLength: 14,
      });
      await fc.assert(
        fc.asyncProperty(steps, fc.nat(1000), async (plan, seed) => {
          const x = input({shape: [10, 7, 3]});
          const values = [x];
          const taps: SymbolicTensor[] = [];
          const shared = layers.reLU();
          for (const {kind, other, width} of plan) {
            const last = values.at(-1)!;
            const side = values[other % values.length]!;
            const channels = last.shape[3]!;
            // predict itself fails where a layer reads one value twice.
            const alike = side !== last && JSON.stringify(side.shape) === JSON.stringify(last.shape);
            const placed = side !== last && JSON.stringify(side.shape.slice(0, 3)) === JSON.stringify(last.shape.slice(0, 3));
            const made = {
              conv: () =>
                through(
                  last,
                  conv(width, {
                    useBias: other % 2 === 0,
                    padding: other % 3 > 0 ? 'same' : 'valid',
                    kernelSize: Math.min(3, ...(last.shape.slice(1, 3) as number[])),
                  }),
                ),
              pointwise: () => through(last, conv(width, {kernelSize: 1, activation: other % 2 === 0 ? 'relu' : 'linear'})),
              strided: () => through(last, conv(width, {strides: 2})),
              depthwise: () =>
                through(
                  last,
                  layers.depthwiseConv2d({kernelSize: 3, padding: 'same', depthMultiplier: 1 + (other % 2), useBias: width % 2 === 0}),
                ),
              norm: () => through(last, norm({scale: other % 3 > 0, center: width % 3 > 0})),
              relu: () => through(last, activation('relu')),
              relu6: () => through(last, layers.reLU({maxValue: 6})),
              sigmoid: () => through(last, activation('sigmoid')),
              pad: () =>
                through(
                  last,
                  layers.zeroPadding2d({
                    padding: [
                      [other % 3, 1],
                      [0, other % 2],
                    ],
                  }),
                ),
              drop: () => through(last, layers.dropout({rate: 0.5})),
              add: () => (alike ? join(layers.add(), [side, last]) : last),
              concat: () => (placed && channels < 64 ? join(layers.concatenate(), [side, last]) : last),
              pool: () => through(last, layers.maxPooling2d({poolSize: 2, strides: 1, padding: 'same'})),
              attend: () => through(last, new CBAM({ratio: 4, seed: other})),
              twice: () => through(last, shared),
              tap: () => last,
            }[kind]();
            if (kind === 'tap') taps.push(made);
            values.push(made);
          }
          const end = through(values.at(-1)!, conv(2, {kernelSize: 1}));
          await expectSame(model({inputs: x, outputs: [...new Set(taps.filter((tap) => tap !== x)), end]}), image(seed, [10, 7, 3]));
        }),
        // Every new shape is a shader there.
        {numRuns: inBrowser ? 20 : 300, seed: 3},
      );
    }),
  );

  it('a subclass that answers to the name of its parent', () =>
    expectNoLeak(async () => {
      const Conv2D = layers.conv2d({filters: 1, kernelSize: 1}).constructor as new (config: object) => Layer;
      class Doubling extends Conv2D {
        override call(inputs: Tensor | Tensor[]): Tensor {
          return tidy(() => mul(super.call(inputs, {}) as Tensor, 2));
        }
      }
      const x = input({shape: [9, 12, 3]});
      await expectSame(
        model({inputs: x, outputs: through(x, new Doubling({filters: 4, kernelSize: 3}), norm(), activation('relu'))}),
        image(2),
      );
    }));
});

describe('a compiled model', () => {
  it('runs a layer of this library that was given another call as it is', () =>
    expectNoLeak(async () => {
      class Doubled extends CBAM {
        static override className = 'DoubledCBAM';
        override call(inputs: Tensor | Tensor[]): Tensor {
          return tidy(() => mul(super.call(inputs), 2));
        }
      }
      const x = input({shape: [9, 12, 3]});
      await expectSame(model({inputs: x, outputs: through(x, conv(8), new Doubled({ratio: 2}))}), image(4));
    }));

  const chain = (): LayersModel =>
    sequential({
      layers: [
        layers.conv2d({inputShape: [9, 12, 3], filters: 4, kernelSize: 3, useBias: false}),
        norm(),
        activation('relu'),
        layers.zeroPadding2d({padding: 1}),
        layers.depthwiseConv2d({kernelSize: 3}),
        norm(),
        layers.reLU({maxValue: 6}),
        layers.dropout({rate: 0.5}),
      ],
    });

  it('runs one kernel for a convolution with all that follows it', () =>
    expectNoLeak(() => {
      const network = chain();
      const compiled = new CompiledModel(network);
      const images = image(1);
      expect(kernelsOf(compiled, images)).toEqual(['FusedConv2D', 'FusedDepthwiseConv2D']);
      dispose(images);
      compiled.dispose();
      disposeModel(network);
    }));

  it('has the gradient of a dilated convolution, on every backend', async () => {
    const x = input({shape: [9, 12, 3]});
    const network = model({inputs: x, outputs: through(x, conv(4, {dilationRate: 2}), norm())});
    drawWeights(network, 5);
    const compiled = new CompiledModel(network);
    const [images, step, weights] = [image(1), image(2), image(3, [9, 12, 4])];
    const score = (batch: Tensor): Tensor => sum(mul(compiled.run([batch])[0] as Tensor, weights));
    // Linear in the image: what a step changes is the gradient times the step.
    const [slope, change] = tidy(() => [sum(mul(grad(score)(images), step)), sub(score(add(images, step)), score(images))] as const);
    expectClose(await slope.data(), await change.data(), {rel: 1e-4}, 'the change along a step');
    compiled.dispose();
    dispose([images, step, weights, slope, change]);
    disposeModel(network);
  });

  it('does not run what the wanted outputs do not need', () =>
    expectNoLeak(() => {
      const x = input({shape: [9, 12, 3]});
      const tap = through(x, conv(4), norm());
      const network = model({inputs: x, outputs: [through(tap, layers.globalAveragePooling2d({}), layers.dense({units: 3})), tap]});
      const compiled = new CompiledModel(network);
      const images = image(1);
      expect(kernelsOf(compiled, images).length).toBeGreaterThan(1);
      expect(kernelsOf(compiled, images, [1])).toEqual(['FusedConv2D']);
      dispose(images);
      compiled.dispose();
      disposeModel(network);
    }));

  it('holds a copy of the weights that it folds, and nothing after dispose()', () =>
    expectNoLeak(() => {
      const network = chain();
      const before = memory();
      const compiled = new CompiledModel(network);
      expect(memory().numTensors - before.numTensors).toBe(4); // Kernel and bias of two convolutions.
      compiled.dispose();
      compiled.dispose();
      expect(memory().numTensors).toBe(before.numTensors);
      disposeModel(network);
    }));

  it('knows when a weight has changed', () =>
    expectNoLeak(() => {
      const network = chain();
      const compiled = new CompiledModel(network);
      expect(compiled.isCurrent).toBe(true);
      const variance = network.layers[1]!.weights[3]!;
      const doubled = mul(variance.read(), 2);
      variance.write(doubled);
      dispose(doubled);
      expect(compiled.isCurrent).toBe(false);
      compiled.dispose();
      disposeModel(network);
    }));

  it('frees what it holds when a layer throws', () =>
    expectNoLeak(() => {
      class Failing extends layers.Layer {
        static className = 'FailingHere';
        override call(inputs: Tensor | Tensor[]): Tensor {
          const x = [inputs].flat()[0] as Tensor;
          relu(x);
          if (x.shape[0] === 2) throw new Error('no pairs');
          return relu(x);
        }
        override computeOutputShape(shape: (number | null)[]): (number | null)[] {
          return shape;
        }
      }
      const x = input({shape: [9, 12, 3]});
      const network = model({inputs: x, outputs: through(x, conv(3), new Failing({}), conv(2))});
      const compiled = new CompiledModel(network);
      const images = image(1);
      expect(() => compiled.run([images])).toThrow('no pairs');
      dispose(images);
      compiled.dispose();
      disposeModel(network);
    }));
});
