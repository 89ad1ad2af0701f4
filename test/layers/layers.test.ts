import {
  fill,
  grads,
  mul,
  sum,
  tensor,
  tensor4d,
  tidy,
  variableGrads,
  type Scalar,
  type Tensor,
  type Tensor4D,
  type Variable,
} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {replicateBorder} from '../../src/layers/_replicate-border.js';
import {isCompilable} from '../../src/layers/compiled-form.js';
import {AttentionDelta, BilinearResize, CBAM, ChannelAttention, SpatialAttention, UpsampleBlock} from '../../src/layers/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {golden, type GoldenArray} from '../helpers/golden.js';
import {runLayerTest} from '../helpers/layer-test.js';
import {read, readAll} from '../helpers/read.js';

interface CbamCase {
  name: string;
  ratio: number;
  training: boolean;
  spatial: boolean;
  x: GoldenArray;
  upstream: GoldenArray;
  weights: Record<string, GoldenArray>;
  channel_mask: GoldenArray;
  after_channel: GoldenArray;
  spatial_mask?: GoldenArray;
  y: GoldenArray;
  gradients: Record<string, GoldenArray>;
  [moving: `moving_${string}`]: unknown;
}

const toTensor = ({values, shape}: GoldenArray): Tensor => tensor(Float32Array.from(values), shape);
const order = [
  'fc1_kernel',
  'fc1_bias',
  'fc2_kernel',
  'fc2_bias',
  'conv_kernel',
  'bn_gamma',
  'bn_beta',
  'bn_moving_mean',
  'bn_moving_variance',
];

describe('every layer', () => {
  it('channel attention keeps its shape, config, weights and gradients', () =>
    runLayerTest(() => new ChannelAttention({ratio: 4, seed: 3}), [[2, 4, 7, 8]], [2, 4, 7, 8]));
  it('spatial attention does, with and without batch norm', async () => {
    await runLayerTest(() => new SpatialAttention({seed: 3}), [[2, 5, 8, 4]], [2, 5, 8, 4]);
    await runLayerTest(() => new SpatialAttention({batchNorm: false, poolOrder: 'mean-max', kernelSize: 3}), [[1, 6, 4, 3]], [1, 6, 4, 3]);
  });
  it('CBAM does, also with the channel gate only', async () => {
    await runLayerTest(() => new CBAM({ratio: 4, seed: 9}), [[2, 6, 9, 8]], [2, 6, 9, 8]);
    await runLayerTest(() => new CBAM({ratio: 2, spatial: false, initialGate: 0.9}), [[1, 3, 5, 4]], [1, 3, 5, 4]);
  });
  it('the attention delta does, in every mode', async () => {
    for (const mode of ['signed', 'normalized'] as const) {
      await runLayerTest(
        () => new AttentionDelta({mode}),
        [
          [2, 3, 5, 4],
          [2, 3, 5, 4],
        ],
        [2, 3, 5, 4],
      );
    }
    await runLayerTest(
      () => new AttentionDelta({mode: 'rectified'}),
      [
        [2, 3, 5, 4],
        [2, 3, 5, 4],
      ],
      [2, 3, 5, 4],
      false,
    );
  });
  it('the bilinear resize does, up and down at once', () =>
    runLayerTest(() => new BilinearResize({size: [9, 3]}), [[2, 4, 7, 2]], [2, 9, 3, 2]));
  it('the upsample block does, doubled and to a given size', async () => {
    await runLayerTest(() => new UpsampleBlock({filters: 3, seed: 2}), [[2, 3, 5, 4]], [2, 6, 10, 3]);
    await runLayerTest(() => new UpsampleBlock({filters: 2, size: [7, 9], kernelSize: 1}), [[1, 4, 6, 3]], [1, 7, 9, 2]);
    await runLayerTest(() => new UpsampleBlock({filters: 3, border: 'replicate'}), [[2, 3, 5, 4]], [2, 6, 10, 3]);
    await runLayerTest(() => new UpsampleBlock({filters: 2, border: 'replicate', kernelSize: 4}), [[1, 4, 3, 2]], [1, 8, 6, 2]);
  });
});

describe('the border of the upsample block', () => {
  const frameOf = async (border: 'zeros' | 'replicate', kernelSize: number): Promise<number> => {
    const block = new UpsampleBlock({filters: 3, border, kernelSize});
    const even = await read(() => block.apply(fill([1, 7, 6, 2], 1.5)) as Tensor);
    block.dispose();
    const spread = [0, 1, 2].map((channel) => even.filter((_, index) => index % 3 === channel));
    return Math.max(...spread.map((values) => Math.max(...values) - Math.min(...values)));
  };

  it.each([2, 3, 5])('draws no frame on an even image when it is replicated, with a kernel of %i', async (kernelSize) => {
    expect(await frameOf('zeros', kernelSize)).toBeGreaterThan(0.05);
    expect(await frameOf('replicate', kernelSize)).toBeLessThan(1e-5);
  });

  it('repeats the outermost pixels', async () => {
    const image = tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const wide = await read(() => replicateBorder(image, 4));
    expect([...wide]).toEqual(
      [
        [1, 1, 2, 3, 3, 3],
        [1, 1, 2, 3, 3, 3],
        [4, 4, 5, 6, 6, 6],
        [4, 4, 5, 6, 6, 6],
        [4, 4, 5, 6, 6, 6],
      ].flat(),
    );
    image.dispose();
  });
});

describe('CBAM against the reference implementation', async () => {
  const {cases, tolerance} = await golden<{cases: CbamCase[]; tolerance: Record<string, {abs?: number}>}>('cbam');
  for (const each of cases) {
    it(each.name, () =>
      expectNoLeak(async () => {
        const x = toTensor(each.x) as Tensor4D;
        const upstream = toTensor(each.upstream);
        const layer = new CBAM({ratio: each.ratio, spatial: each.spatial});
        (layer.apply(x) as Tensor).dispose();
        const names = each.spatial ? order : order.slice(0, 4);
        tidy(() => layer.setWeights(names.map((name) => toTensor(each.weights[name]!))));

        const before = await Promise.all(layer.getWeights().map(async (weight) => (await weight.data()).slice()));
        const loss = (input: Tensor): Scalar => sum(mul(layer.apply(input, {training: each.training}) as Tensor, upstream));
        // Batch statistics are remembered at every training call, so the weights are put back before each.
        const restore = (): void => tidy(() => layer.setWeights(before.map((values, at) => tensor(values, layer.getWeights()[at]!.shape))));

        const y = await read(() => layer.apply(x, {training: each.training}) as Tensor);
        expectClose(y, each.y.values, {abs: tolerance['y']!.abs!}, 'y');
        if (each.training) {
          const after = layer.getWeights();
          const moving = each as unknown as Record<string, Record<string, GoldenArray> | GoldenArray | undefined>;
          for (const [at, name] of [
            [7, 'mean'],
            [8, 'variance'],
          ] as const) {
            const found = Object.entries(moving).find(
              ([key]) => key.startsWith('moving') && key.includes(name) && !key.includes('unbiased'),
            );
            expect(found, `moving ${name} in the golden`).toBeDefined();
            expectClose(await after[at]!.data(), (found![1] as GoldenArray).values, {abs: 1e-6}, `moving ${name}`);
          }
          restore();
        }
        const relToMax = each.training ? 1e-4 : 2e-5;
        const dx = await read(() => grads((input: Tensor) => loss(input))([x])[0] as Tensor);
        expectClose(dx, each.gradients['x']!.values, {relToMax}, 'gradient of x');
        restore();
        for (const [at, weight] of layer.trainableWeights.entries()) {
          const values = await read(
            () => variableGrads(() => loss(x), [weight.read() as Variable]).grads[(weight.read() as Variable).name]!,
          );
          expectClose(values, each.gradients[names[at]!]!.values, {relToMax, abs: 1e-7}, `gradient of ${names[at]!}`);
          restore();
        }
        layer.dispose();
        x.dispose();
        upstream.dispose();
      }),
    );
  }

  it('gates match one by one', async () => {
    for (const each of cases.filter((one) => !one.training)) {
      const values = await readAll(() => {
        const x = toTensor(each.x) as Tensor4D;
        const channel = new ChannelAttention({ratio: each.ratio});
        channel.apply(x);
        channel.setWeights(order.slice(0, 4).map((name) => toTensor(each.weights[name]!)));
        const after = channel.apply(x) as Tensor4D;
        const spatial = new SpatialAttention();
        spatial.apply(after);
        if (each.spatial) spatial.setWeights(order.slice(4).map((name) => toTensor(each.weights[name]!)));
        return {channel: channel.gate(x), after, spatial: spatial.gate(after)};
      });
      expectClose(values.channel, each.channel_mask.values, {abs: 1e-6}, 'channel mask');
      expectClose(values.after, each.after_channel.values, {abs: 5e-6}, 'after channel');
      if (each.spatial) expectClose(values.spatial, each.spatial_mask!.values, {abs: 2e-6}, 'spatial mask');
    }
  });
});

describe('how the gates start', () => {
  it('the reference start makes the spatial gate exactly one half', async () => {
    const gate = await read(() => {
      const x = tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]);
      const layer = new SpatialAttention();
      layer.apply(x);
      return layer.gate(x);
    });
    expect([...gate]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('an initial gate of 0.9 scales every feature by 0.81', async () => {
    const x = [1, -2, 3, 4, 5, -6, 7, 8];
    const y = await read(() => new CBAM({initialGate: 0.9}).apply(tensor4d(x, [1, 2, 2, 2])) as Tensor);
    expectClose(
      y,
      x.map((value) => value * 0.81),
      {rel: 1e-5},
    );
  });

  it('the seed decides the weights', async () => {
    const weights = (seed: number): Promise<Float32Array> =>
      read(() => {
        const layer = new CBAM({seed, ratio: 2});
        layer.apply(tensor4d([1, 2, 3, 4], [1, 1, 1, 4]));
        return layer.getWeights()[0]!;
      });
    expect(await weights(1)).toEqual(await weights(1));
    expect(await weights(1)).not.toEqual(await weights(2));
  });
});

describe('what the layers refuse', () => {
  const makers = {
    AttentionDelta: (config: never) => new AttentionDelta(config),
    BilinearResize: (config: never) => new BilinearResize(config),
    CBAM: (config: never) => new CBAM(config),
    ChannelAttention: (config: never) => new ChannelAttention(config),
    SpatialAttention: (config: never) => new SpatialAttention(config),
    UpsampleBlock: (config: never) => new UpsampleBlock(config),
  };
  type Name = keyof typeof makers;
  const refused = (name: Name, config: unknown): unknown => {
    try {
      makers[name](config as never);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it.each<[Name, object, string]>([
    ['ChannelAttention', {ratio: 0}, 'ratio must be a whole number from 1 to 65536, but is 0.'],
    ['ChannelAttention', {ratio: 65_537}, 'ratio must be a whole number from 1 to 65536, but is 65537.'],
    ['ChannelAttention', {seed: -1}, 'seed must be a whole number from 0 to 4294967295, but is -1.'],
    ['SpatialAttention', {kernelSize: 4}, 'kernelSize must be an odd whole number from 1 to 255, but is 4.'],
    ['SpatialAttention', {kernelSize: 257}, 'kernelSize must be an odd whole number from 1 to 255, but is 257.'],
    ['SpatialAttention', {poolOrder: 'both'}, "poolOrder must be one of 'max-mean', 'mean-max', but is \"both\"."],
    ['CBAM', {initialGate: 1}, 'initialGate must be a number above 0 and below 1, but is 1.'],
    ['CBAM', {kernelSize: 2}, 'kernelSize must be an odd whole number from 1 to 255, but is 2.'],
    ['AttentionDelta', {mode: 'normalised'}, "mode must be one of 'signed', 'rectified', 'normalized', but is \"normalised\"."],
    ['UpsampleBlock', {filters: 0}, 'filters must be a whole number from 1 to 65536, but is 0.'],
    ['UpsampleBlock', {filters: 300_000}, 'filters must be a whole number from 1 to 65536, but is 300000.'],
    ['UpsampleBlock', {filters: 1, size: [0, 4]}, 'size[0] must be a whole number of at least 1, but is 0.'],
    ['BilinearResize', {size: [1e9, 5]}, 'size must be [height, width] of at most 67108864 pixels, but is [1000000000, 5].'],
    ['BilinearResize', {size: [4]}, 'size must be [height, width], but is [4].'],
  ])('%s with %o as a wrong value', (name, config, message) => {
    const error = refused(name, config);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe(`${name}: ${message}`);
  });

  it.each<[Name, unknown, string]>([
    ['ChannelAttention', {ratio: '8'}, 'ratio must be a whole number from 1 to 65536, but is "8".'],
    ['CBAM', {spatial: 1}, 'spatial must be true or false, but is 1.'],
    ['CBAM', {ration: 8}, "there is no option 'ration'. Did you mean 'ratio'?"],
    ['SpatialAttention', {name: 3}, 'name must be a text, but is 3.'],
    ['UpsampleBlock', {}, 'filters must be a whole number from 1 to 65536, but is undefined.'],
    ['UpsampleBlock', undefined, 'filters must be a whole number from 1 to 65536, but is undefined.'],
    ['BilinearResize', {size: 4}, 'size must be [height, width], but is 4.'],
    ['AttentionDelta', null, 'options must be an object, but is null.'],
    ['AttentionDelta', Promise.resolve({}), 'options must be an object, but is a promise (await it first).'],
  ])('%s with %o as the wrong kind', (name, config, message) => {
    const error = refused(name, config);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(`${name}: ${message}`);
  });

  it('nothing of what tfjs adds when it loads a model, and null for what is absent', () => {
    const added = {name: 'mine', trainable: false, dtype: 'float32', batchInputShape: [null, 4, 4, 2]};
    for (const [name, config] of [
      ['AttentionDelta', {}],
      ['BilinearResize', {size: [2, 2]}],
      ['CBAM', {initialGate: null}],
      ['ChannelAttention', {initialGate: null}],
      ['SpatialAttention', {}],
      ['UpsampleBlock', {filters: 2, size: null}],
    ] as const) {
      const layer = makers[name]({...added, ...config} as never);
      expect(layer.name).toBe('mine');
      expect(layer.trainable).toBe(false);
    }
  });

  it('more weights than a machine has, before it draws them', () => {
    const block = new UpsampleBlock({filters: 65_536, kernelSize: 1});
    expect(() => block.build([null, 4, 4, 65_536])).toThrow(
      'UpsampleBlock must have at most 268435456 weights, but they are [1, 1, 65536, 65536].',
    );
    expect(() => new ChannelAttention({ratio: 1}).build([null, 4, 4, 65_536])).toThrow(RangeError);
  });
});

describe('the compiled form', () => {
  it('is not taken from a class that only inherits it', () => {
    class Doubled extends CBAM {
      override call(inputs: Tensor | Tensor[]): Tensor {
        return tidy(() => mul(super.call(inputs), 2));
      }
    }
    expect(isCompilable(new CBAM())).toBe(true);
    expect(isCompilable(new Doubled())).toBe(false);
  });
});

describe('the attention delta', () => {
  it('gives what the attention changed', async () => {
    const run = (mode: 'signed' | 'rectified' | 'normalized'): Promise<Float32Array> =>
      read(() => {
        const features = tensor4d([2, -4, 6, 8], [1, 2, 2, 1]);
        const attended = tensor4d([1, -3, 6, 2], [1, 2, 2, 1]);
        return new AttentionDelta({mode}).apply([attended, features]) as Tensor;
      });
    expectClose(await run('signed'), [-1, 1, 0, -6], {});
    expectClose(await run('rectified'), [1, 0, 0, 6], {});
    expectClose(
      await run('normalized'),
      [1, -1, 0, 6].map((value) => value / Math.sqrt(38 / 4)),
      {abs: 1e-5},
    );
  });
});
