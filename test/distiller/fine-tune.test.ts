/** Fine-tuning: what it learns, by which steps, what it leaves alone, and that it can be interrupted. */
import '../helpers/use-wasm.js';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {argMax, memory, sum, tensor2d, tensor4d, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {initializers, input, layers, model as functional, sequential, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {afterAll, describe, expect, it, onTestFinished} from 'vitest';
import {
  AttentiveDistiller,
  fineTune,
  LayerNotFoundError,
  ModelFileError,
  NonFiniteLossError,
  teacherFromLayersModel,
  UnsupportedModelError,
  type FineTuned,
  type FineTuneOptions,
  type FineTuneProgress,
  type TrainingBatch,
} from '../../src/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';

const folder = await mkdtemp(join(tmpdir(), 'fine-tune-'));
const root = `file://${folder}`;
afterAll(() => rm(folder, {recursive: true}));

type Patches = {images: Tensor4D; labels: number[]};

/** The world of patches with other labels. */
function patches(count: number, relabel: (label: number) => number = (label) => label, size = 8): Patches[] {
  const made = Array.from({length: count}, (_, index) => patchBatch(size * index, size));
  onTestFinished(() => made.forEach(({images}) => images.dispose()));
  return made.map(({images, labels}) => ({images, labels: labels.map(relabel)}));
}

function known<M extends LayersModel>(model: M): M {
  onTestFinished(() => void model.dispose());
  return model;
}

const swap = (label: number): number => (label + 1) % 3;
const bits = async (model: LayersModel): Promise<string[]> =>
  Promise.all(
    model.getWeights().map(async (weight) => Buffer.from(((await weight.data()) as Float32Array).slice().buffer).toString('base64')),
  );
const lastOf = ({history}: FineTuned): FineTuneProgress => history.at(-1)!;

/** A network with batch norm, a join, dropout of two kinds of rate and a nested part. */
function mixed(): LayersModel {
  const image = input({shape: [HEIGHT, WIDTH, 3]});
  const inner = sequential({
    name: 'inner',
    layers: [
      layers.conv2d({
        inputShape: [HEIGHT, WIDTH, 3],
        filters: 6,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        useBias: false,
        kernelInitializer: initializers.heNormal({seed: 1}),
      }),
      layers.batchNormalization({momentum: 0.8}),
      layers.reLU(),
    ],
  });
  const first = inner.apply(image) as SymbolicTensor;
  const branch = layers
    .conv2d({filters: 6, kernelSize: 1, activation: 'relu', kernelInitializer: initializers.heNormal({seed: 2}), name: 'branch'})
    .apply(first);
  const joined = layers.add({name: 'joined'}).apply([first, branch as SymbolicTensor]);
  const dropped = layers.dropout({rate: 0.25, name: 'drop'}).apply(layers.globalAveragePooling2d({name: 'mean'}).apply(joined));
  return functional({
    inputs: image,
    outputs: layers
      .dense({units: 5, activation: 'softmax', kernelInitializer: initializers.glorotUniform({seed: 3}), name: 'five'})
      .apply(dropped) as SymbolicTensor,
  });
}

describe('fineTune', () => {
  it('finds other classes on a frozen base, which stays as it is, as does the model that was given', async () => {
    const model = known(patchTeacher());
    const batches = patches(3, swap);
    const before = await bits(model);
    await expectNoLeak(async () => {
      const tuned = await fineTune(model, batches, {numClasses: 3, base: 'frozen', epochs: 40, optimizer: 'adam', learningRate: 1});
      expect(lastOf(tuned).accuracy).toBe(1);
      expect((await bits(tuned.model)).slice(0, -2)).toEqual(before.slice(0, -2));
      expect(await bits(model)).toEqual(before);
      // What was learned is about classes, not about these images.
      const {images, labels} = patchBatch(1000, 40);
      const teacher = teacherFromLayersModel(tuned.model);
      expect(teacher.numClasses).toBe(3);
      const decided = tidy(() => argMax(teacher.logits(images), -1));
      expect([...(await decided.data())]).toEqual(labels.map(swap));
      const sums = tidy(() => sum(tuned.model.predict(images) as Tensor, -1));
      expectClose(
        await sums.data(),
        labels.map(() => 1),
        {abs: 1e-5},
      );
      for (const each of [images, decided, sums]) each.dispose();
      tuned.model.dispose();
    });
  });

  it('trains all layers by default, and its own head where no classes are given', async () => {
    const model = known(mixed());
    const batches = patches(3, swap);
    for (const options of [{numClasses: 3}, {}] satisfies FineTuneOptions[]) {
      const tuned = await fineTune(model, batches, {...options, epochs: 20, learningRate: 0.05, schedule: () => 1});
      const [first, ...rest] = tuned.history;
      expect(lastOf(tuned).loss).toBeLessThan(0.8 * first!.loss);
      expect(rest.every(({learningRate}) => learningRate === 0.05)).toBe(true);
      const [before, now] = [await bits(model), await bits(tuned.model)];
      expect(now.slice(0, -2).every((each, index) => each !== before[index])).toBe(true);
      expect(tuned.model.outputs[0]!.shape).toEqual([null, options.numClasses ?? 5]);
      tuned.model.dispose();
    }
  });

  it("takes the paper's steps: momentum 0.9 without Nesterov's look ahead, a rate of 0.01 that is halved every 20 epochs", async () => {
    // Features that are the pixels themselves: softmax regression, which is easily done by hand.
    const model = known(sequential({layers: [layers.flatten({inputShape: [1, 1, 3]}), layers.dense({units: 2, activation: 'softmax'})]}));
    const rows = [
      [1, 2, -1],
      [-2, 1, 0.5],
      [0.3, -1, 2],
      [1.5, 0.2, 0.1],
    ];
    const labels = [0, 1, 1, 0];
    const images = tensor4d(rows.flat(), [4, 1, 1, 3]);
    const first = await fineTune(model, [{images, labels}], {numClasses: 2, epochs: 1, learningRate: 0, seed: 3});
    const tuned = await fineTune(model, [{images, labels}], {numClasses: 2, epochs: 45, seed: 3});
    const [kernel, bias] = await Promise.all(first.model.getWeights().map(async (weight) => [...(await weight.data())]));
    const theta = [...kernel!, ...bias!];
    const velocity = theta.map(() => 0);
    for (let epoch = 0; epoch < 45; epoch++) {
      const gradient = theta.map(() => 0);
      rows.forEach((row, index) => {
        const scores = [0, 1].map((unit) => row.reduce((sum, value, k) => sum + value * theta[2 * k + unit]!, theta[6 + unit]!));
        const exps = scores.map((score) => Math.exp(score - Math.max(...scores)));
        for (const unit of [0, 1]) {
          const slope = (exps[unit]! / (exps[0]! + exps[1]!) - Number(labels[index] === unit)) / rows.length;
          row.forEach((value, k) => (gradient[2 * k + unit]! += slope * value));
          gradient[6 + unit]! += slope;
        }
      });
      const rate = 0.01 * 0.5 ** Math.floor(epoch / 20);
      expect(tuned.history[epoch]!.learningRate).toBeCloseTo(rate, 12);
      theta.forEach((_, at) => {
        velocity[at] = 0.9 * velocity[at]! + gradient[at]!;
        theta[at]! -= rate * velocity[at]!;
      });
    }
    const learned = await Promise.all(tuned.model.getWeights().map(async (weight) => [...(await weight.data())]));
    expectClose(learned.flat(), theta, {abs: 2e-5});
    expect(Math.max(...theta.map((value, at) => Math.abs(value - [...kernel!, ...bias!][at]!)))).toBeGreaterThan(0.1);
    images.dispose();
    [first, tuned].forEach((each) => each.model.dispose());
  });

  it('trains one sigmoid as two classes, and leaves it one sigmoid', async () => {
    const teacher = patchTeacher();
    const features = teacher.getLayer('mean').output as SymbolicTensor;
    const model = known(
      functional({
        inputs: teacher.inputs,
        outputs: layers.dense({units: 1, activation: 'sigmoid', name: 'side'}).apply(features) as SymbolicTensor,
      }),
    );
    const batches = patches(3, (label) => Number(label === 2));
    const tuned = await fineTune(model, batches, {base: 'frozen', epochs: 60, optimizer: 'adam', learningRate: 1});
    expect(lastOf(tuned).accuracy).toBe(1);
    expect(tuned.model.outputs[0]!.shape).toEqual([null, 1]);
    const scores = tidy(() => tuned.model.predict(batches[0]!.images) as Tensor);
    expect([...(await scores.data())].map((score) => Number(score > 0.5))).toEqual(batches[0]!.labels);
    scores.dispose();
    tuned.model.dispose();
  });

  it('reads features where it is told to, and pools those that are a map', async () => {
    const model = known(mixed());
    const batches = patches(1, swap);
    const tuned = await fineTune(model, batches, {numClasses: 3, features: 'inner', epochs: 1});
    expect(tuned.model.layers.map((layer) => layer.getClassName())).toEqual([
      'InputLayer',
      'Conv2D',
      'BatchNormalization',
      'ReLU',
      'GlobalAveragePooling2D',
      'Dense',
      'Activation',
    ]);
    // Once more on top of it: names that are taken are no obstacle.
    const again = await fineTune(tuned.model, batches, {numClasses: 4, epochs: 1});
    expect(again.model.outputs[0]!.shape).toEqual([null, 4]);
    [tuned, again].forEach((each) => each.model.dispose());
  });

  it('keeps the epoch that its validation finds best, and stops when there is no better one', async () => {
    const model = known(patchTeacher());
    const batches = patches(2, swap);
    // It unlearns from the fourth epoch on.
    const schedule = (epoch: number): number => (epoch < 3 ? 1 : 300);
    const options = {numClasses: 3, base: 'frozen', epochs: 30, learningRate: 3, schedule, validation: patches(1, swap)} as const;
    const tuned = await fineTune(model, batches, {...options, patience: 2});
    const checks = tuned.history.filter(({kind}) => kind === 'validation');
    expect(checks.length).toBeLessThan(30);
    const best = Math.min(...checks.map(({loss}) => loss));
    expect(checks.at(-1)!.loss).toBeGreaterThan(best);
    const whole = await fineTune(model, batches, {...options, epochs: checks.findIndex(({loss}) => loss === best) + 1});
    expect(await bits(tuned.model)).toEqual(await bits(whole.model));
    [tuned, whole].forEach((each) => each.model.dispose());
  });
});

describe('a fine-tuning that is interrupted and resumed', () => {
  const plain = ({imagesPerSecond: _rate, secondsLeft: _left, ...record}: FineTuneProgress): unknown => record;
  const outcome = async ({model, history, steps}: FineTuned): Promise<unknown> => {
    const weights = await bits(model);
    model.dispose();
    return {weights, history: history.map(plain), steps};
  };
  const cases: readonly [string, FineTuneOptions][] = [
    ['free, with dropout', {numClasses: 3, epochs: 3}],
    ['frozen, with early stopping', {numClasses: 3, base: 'frozen', epochs: 3, patience: 1, schedule: (epoch) => (epoch < 1 ? 1 : 900)}],
    ['its own head, by Adam', {epochs: 9, budget: {steps: 7}, optimizer: 'adam'}],
  ];
  it.each(cases)('ends bit for bit as if it had not been, wherever that was: %s', async (name, options) => {
    const model = known(mixed());
    const batches = patches(3, swap, 4);
    const all = options.patience === undefined ? options : {...options, validation: patches(1, swap, 4)};
    await expectNoLeak(async () => {
      const expected = await outcome(await fineTune(model, batches, {...all, seed: 4}));
      const {steps} = expected as {steps: number};
      expect(steps).toBeGreaterThan(5);
      for (let last = 1; last <= steps; last++) {
        const to = `${root}/${name.length}-${last}`;
        const onProgress = ({kind, done}: FineTuneProgress): void => {
          if (kind === 'step' && done === last) throw new Error('interrupted');
        };
        await expect(fineTune(model, batches, {...all, seed: 4, checkpoint: {to, everySteps: 1}, onProgress})).rejects.toThrow(
          'interrupted',
        );
        const resumed = await fineTune(model, batches, {...all, seed: 4, checkpoint: {to, everySteps: 2}, resumeFrom: to});
        expect(await outcome(resumed), `after step ${last}`).toEqual(expected);
      }
    });
  });

  it('needs a state, of that model and with the same options', async () => {
    const model = known(mixed());
    const batches = patches(2, swap, 4);
    const to = `${root}/refused`;
    const options = {numClasses: 3, budget: {steps: 3}, checkpoint: {to, everySteps: 1}};
    (await fineTune(model, batches, options)).model.dispose();
    const distiller = await AttentiveDistiller.create({teacher: known(patchTeacher())});
    await distiller.train([batches[0]!], {budget: {steps: 1}, checkpoint: {to: `${root}/distiller`, everySteps: 1}});
    distiller.dispose();
    await expectNoLeak(async () => {
      const again = (other: FineTuneOptions, of = model): Promise<FineTuned> =>
        fineTune(of, batches, {...options, resumeFrom: to, ...other});
      await expect(again({resumeFrom: `${root}/nothing`})).rejects.toThrow(ModelFileError);
      await expect(again({resumeFrom: `${root}/distiller`})).rejects.toThrow(/does not hold a fine-tuning under way/);
      await expect(again({seed: 1})).rejects.toThrow(/began with, seed: 0, but was given seed: 1/);
      await expect(again({numClasses: 4})).rejects.toThrow(
        /model of 9 weights, the 6th \[6, 3\], but this one has 9 weights, the 6th \[6, 4\]/,
      );
      const shorter = {...options, budget: {steps: 2}, checkpoint: {to: `${root}/shorter`, everySteps: 1}};
      (await fineTune(model, batches, shorter)).model.dispose();
      await expect(fineTune(model, batches.slice(0, 1), {...shorter, resumeFrom: `${root}/shorter`})).rejects.toThrow(
        /epoch 1 has 1 batches, but the training was interrupted after 2/,
      );
    });
    await expect(AttentiveDistiller.resume(to, {teacher: model})).rejects.toThrow(/does not hold a saved AttentiveDistiller/);
  });
});

describe('fineTune leaves nothing behind', () => {
  it('when it is aborted', async () => {
    const model = known(mixed());
    const batches = patches(2);
    await expectNoLeak(async () => {
      const controller = new AbortController();
      const onProgress = ({done}: FineTuneProgress): void => {
        if (done === 2) controller.abort(new Error('enough'));
      };
      await expect(fineTune(model, batches, {numClasses: 3, signal: controller.signal, onProgress})).rejects.toThrow('enough');
    });
    const tuned = await fineTune(model, batches, {numClasses: 3, epochs: 1});
    expect(tuned.steps).toBe(2);
    tuned.model.dispose();
  });

  it('when it diverges', async () => {
    const model = known(mixed());
    const batches = patches(1);
    await expectNoLeak(async () => {
      await expect(fineTune(model, batches, {numClasses: 3, epochs: 5, learningRate: 1e38})).rejects.toThrow(NonFiniteLossError);
    });
  });

  it('and the seed alone decides what dropout drops', async () => {
    const model = known(mixed());
    const batches = patches(2);
    const run = async (seed: number): Promise<string[]> => {
      const tuned = await fineTune(model, batches, {epochs: 2, seed});
      const weights = await bits(tuned.model);
      expect(
        tuned.model.layers.filter((layer) => layer.getClassName() === 'Dropout').map((layer) => (layer as {seed?: number}).seed),
      ).toEqual([undefined]);
      tuned.model.dispose();
      return weights;
    };
    const [first, second, other] = [await run(1), await run(1), await run(2)];
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });
});

describe('fineTune refuses', () => {
  const cases: readonly [string, () => LayersModel, FineTuneOptions, new (...args: never[]) => Error, RegExp][] = [
    [
      'a model without a head, and says what to name',
      headless,
      {numClasses: 3},
      UnsupportedModelError,
      /where the head begins cannot be told.*option features.*'conv'/,
    ],
    ['features that are no layer', mixed, {numClasses: 3, features: 'none'}, LayerNotFoundError, /no layer 'none'/],
    ['its own head where the classes do not exclude each other', multiLabel, {}, UnsupportedModelError, /do not exclude each other/],
    ['its own head where branches pass the features by', mixed, {features: 'branch'}, UnsupportedModelError, /a way round/],
    ['noise that no seed decides', noisy, {numClasses: 3}, UnsupportedModelError, /GaussianNoise 'noise' draws its noise without a seed/],
    ['an unknown option', mixed, {classes: 3} as FineTuneOptions, TypeError, /there is no option 'classes'/],
    ['patience without validation', mixed, {numClasses: 3, patience: 1}, TypeError, /fineTune: patience goes by the validation/],
    [
      'a checkpoint without a scheme',
      mixed,
      {numClasses: 3, checkpoint: {to: 'out'}},
      RangeError,
      /checkpoint.to: url must begin with a scheme/,
    ],
    ['a model of which nothing can be trained', untrainable, {}, RangeError, /all of them have trainable: false/],
  ];
  it.each(cases)('%s', async (_, make, options, kind, message) => {
    const model = known(make());
    const batches = patches(1);
    await expectNoLeak(async () => {
      const tuning = fineTune(model, batches, options);
      await expect(tuning).rejects.toThrow(message);
      await expect(tuning).rejects.toBeInstanceOf(kind);
    });
  });

  it('batches without labels, or with labels that are no class', async () => {
    const model = known(mixed());
    const [{images, labels}] = patches(1) as [Patches];
    const soft = tensor2d([[0.5, 0.5, 0]]);
    const wrong: [TrainingBatch, RegExp][] = [
      [{images}, /batch 0: labels must be there/],
      [{images, labels: labels.map(() => 3)}, /labels\[0\] must be a whole number from 0 to 2/],
      [{images, labels: soft as never}, /labels/],
    ];
    const before = memory().numTensors;
    for (const [batch, message] of wrong) await expect(fineTune(model, [batch], {numClasses: 3})).rejects.toThrow(message);
    expect(memory().numTensors).toBe(before);
    soft.dispose();
  });

  function headless(): LayersModel {
    return sequential({
      layers: [layers.conv2d({inputShape: [HEIGHT, WIDTH, 3], filters: 4, kernelSize: 3, name: 'conv'}), layers.globalAveragePooling2d({})],
    });
  }
  function multiLabel(): LayersModel {
    return sequential({
      layers: [layers.globalAveragePooling2d({inputShape: [HEIGHT, WIDTH, 3]}), layers.dense({units: 3, activation: 'sigmoid'})],
    });
  }
  function noisy(): LayersModel {
    return sequential({
      layers: [
        layers.gaussianNoise({inputShape: [HEIGHT, WIDTH, 3], stddev: 1, name: 'noise'}),
        layers.globalAveragePooling2d({}),
        layers.dense({units: 3, activation: 'softmax'}),
      ],
    });
  }
  function untrainable(): LayersModel {
    return sequential({
      layers: [
        layers.globalAveragePooling2d({inputShape: [HEIGHT, WIDTH, 3]}),
        layers.dense({units: 3, activation: 'softmax', trainable: false}),
      ],
    });
  }
});
