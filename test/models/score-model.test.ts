import {
  fill,
  randomUniform,
  reshape,
  softmax,
  tensor2d,
  tidy,
  zeros,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';
import type {GraphModelLike, Model, ScoreFn, Scores, Teacher} from '../../src/core/types.js';
import {checkModel, scoreModel as scoreModelFor, type ScoreForm, type ScoreModel} from '../../src/models/score-model.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {read} from '../helpers/read.js';

function classifier(units: number, activation: 'softmax' | 'sigmoid' | 'linear' | 'tanh'): LayersModel {
  return sequential({layers: [layers.flatten({inputShape: [3, 2, 1]}), layers.dense({units, activation})]});
}

/** The model as tfjs-converter would give it. */
function asGraph(model: LayersModel): GraphModelLike {
  return {predict: (batch) => model.predict(batch) as Tensor, inputs: [{shape: [-1, 3, 2, 1]}]};
}

/** Messages begin with the caller's name; which caller it is does not matter here. */
const scoreModel = (model: Model, form?: ScoreForm): ScoreModel => scoreModelFor('rise', model, form);

const images = (): Tensor4D => randomUniform([4, 3, 2, 1], -1, 1, 'float32', 2) as Tensor4D;

describe('scoreModel', () => {
  it('gives probabilities, never the softmax of a softmax', async () => {
    const x = images();
    for (const activation of ['softmax', 'linear'] as const) {
      const model = classifier(5, activation);
      const predicted = model.predict(x) as Tensor;
      const expected = activation === 'softmax' ? predicted : softmax(predicted);
      for (const each of [model, teacherFromLayersModel(model, {preprocessing: 'none'})]) {
        await expectNoLeak(async () => {
          const {values, numClasses} = await scoreModel(each).score(x);
          expect(numClasses).toBe(5);
          expectClose(values, await expected.data(), {abs: 1e-6});
        });
      }
    }
  });

  it('makes two classes, 1 − p and p, of a single output', async () => {
    const x = images();
    const model = classifier(1, 'sigmoid');
    const column = await (model.predict(x) as Tensor).data();
    const sides = [...column].flatMap((p) => [1 - p, p]);
    const teacher = teacherFromLayersModel(model, {preprocessing: 'none'});
    const forms = [
      model,
      teacher,
      () => [...column].map((p) => [p]),
      (batch: Tensor4D) => model.predict(batch) as Tensor2D,
      asGraph(model),
    ];
    expect([model, teacher].map((each) => scoreModel(each).numClasses)).toEqual([2, 2]);
    for (const form of forms) {
      await expectNoLeak(async () => {
        const {values, numClasses} = await scoreModel(form).score(x);
        expect(numClasses).toBe(2);
        expectClose(values, sides, {abs: 1e-6});
      });
    }
  });

  it('refuses one column that is no probability, beyond rounding', async () => {
    const x = images();
    const {values} = await scoreModel(() => [[0], [1], [1 + 1e-6], [-1e-6]]).score(x);
    expect([...values]).toEqual([1, 0, 0, 1, 0, 1, 1, 0]);
    for (const bad of [1.01, -0.01, 7]) {
      const result = scoreModel(() => [[0], [0.5], [bad], [1]]).score(x);
      await expect(result).rejects.toThrow(
        `gave ${Math.fround(bad)} for image 2 of the batch. Return the sigmoid of a single logit, or one column per class.`,
      );
      await expect(result).rejects.toThrow(RangeError);
    }
  });

  it('takes what a GraphModel predicts as it is, in every form, and disposes it', async () => {
    const x = images();
    const model = classifier(3, 'linear');
    const predict = (batch: Tensor): Tensor => model.predict(batch) as Tensor;
    const expected = await read(() => predict(x));
    const forms = [
      predict,
      (batch: Tensor) => [predict(batch)],
      (batch: Tensor) => ({Identity: predict(batch)}),
      (batch: Tensor) => tidy(() => reshape(predict(batch), [4, 1, 1, 3])),
    ];
    for (const form of forms) {
      await expectNoLeak(async () => {
        const {values, numClasses} = await scoreModel({predict: form}).score(x);
        expect(numClasses).toBe(3);
        expectClose(values, expected, {abs: 1e-6});
      });
    }
    await expectNoLeak(async () => {
      await expect(scoreModel({predict: (batch: Tensor) => [predict(batch), predict(batch)]}).score(x)).rejects.toThrow(
        'must give one tensor of scores, but gave 2 tensors',
      );
      await expect(scoreModel({predict: () => undefined}).score(x)).rejects.toThrow('but gave undefined');
      await expect(scoreModel({predict: () => zeros([3, 2])}).score(x)).rejects.toThrow(
        "the model's predict must return one row of scores per image",
      );
    });
    expect(scoreModel({predict, inputs: [{shape: [-1, 3, 2, 1]}]}).inputShape).toEqual([3, 2, 1]);
    expect(scoreModel({predict, inputs: [{shape: [-1, -1, -1, 1]}]}).inputShape).toBeUndefined();
  });

  it('uses what a function returns as it is, in every form, and disposes its tensor', async () => {
    const x = images();
    const rows = [
      [3, -1],
      [0, 5],
      [2, 2],
      [7, 1],
    ];
    const forms: ScoreFn[] = [
      () => rows,
      () => rows.map((row) => Float32Array.from(row)),
      () => Float32Array.from(rows.flat()),
      () => tensor2d(rows),
      () => tensor2d(rows, [4, 2], 'int32'),
      async () => Promise.resolve(tensor2d(rows)),
    ];
    for (const form of forms) {
      await expectNoLeak(async () => {
        const {values, numClasses} = await scoreModel(form).score(x);
        expect(numClasses).toBe(2);
        expect([...values]).toEqual(rows.flat());
      });
    }
    expect(x.isDisposed).toBe(false);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['too few rows', () => [[1, 2]], /\[4, classes\], but returned 1 rows of 2 values/],
    ['ragged rows', () => [[1], [1, 2], [1], [1]], /4 rows of 1 and 2 values/],
    ['empty rows', () => [[], [], [], []], /rows of 0 values/],
    ['a number of values that does not divide', () => new Float32Array(6), /returned 6 values/],
    ['a tensor of another rank', () => zeros([4]), /returned Tensor of shape \[4\]/],
    ['too few rows of a tensor', () => zeros([3, 2]), /returned Tensor of shape \[3, 2\]/],
    ['an infinite score', () => [[1], [1], [Infinity], [1]], /gave Infinity for image 2 of the batch, class 0/],
    ['nothing', () => undefined, /returned undefined/],
  ])('refuses from a function: %s', async (_, make, message) => {
    const x = images();
    await expectNoLeak(async () => {
      const result = scoreModel(() => make() as Scores).score(x);
      await expect(result).rejects.toThrow(message);
      await expect(result).rejects.toThrow(RangeError);
    });
  });

  it('says so when a teacher does not keep its word', async () => {
    const teacher: Teacher = {
      name: 'broken',
      inputShape: [3, 2, 1],
      numClasses: 3,
      preprocessing: {scale: 1, mean: 0, std: 1},
      logits: () => fill([4, 3], NaN) as Tensor2D,
    };
    await expect(scoreModel(teacher).score(images())).rejects.toThrow('the model must give finite scores, but gave NaN for image 0');
  });

  it('turns tensors into input for any model, pictures only for a teacher', async () => {
    const model = classifier(2, 'softmax');
    const picture = {data: new Uint8Array(6).fill(255), width: 2, height: 3, channels: 1 as const};
    const one = fill([3, 2, 1], 0.5) as Tensor3D;
    for (const each of [scoreModel(model), scoreModel(() => [])]) {
      expect(each.toInput([one, one]).shape).toEqual([2, 3, 2, 1]);
      const input = each.toInput(one);
      expect(input.shape).toEqual([1, 3, 2, 1]);
      input.dispose();
      expect(one.isDisposed).toBe(false);
      expect(() => each.toInput([one, picture])).toThrow(TypeError);
      expect(() => each.toInput([])).toThrow(/image/);
    }
    const teacher = teacherFromLayersModel(model, {preprocessing: 'unit'});
    expect([...(await read(() => scoreModel(teacher).toInput(picture)))]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(() => scoreModel(model).toInput(zeros([2, 3, 1]) as Tensor3D)).toThrow(/\[3, 2, 1\]/);
    expect(scoreModel(model)).toMatchObject({inputShape: [3, 2, 1], numClasses: 2});
  });

  it('gives logits where they are asked for, of one output z as the classes 0 and z', async () => {
    const x = images();
    for (const [units, activation] of [
      [3, 'softmax'],
      [3, 'linear'],
      [1, 'sigmoid'],
    ] as const) {
      const model = classifier(units, activation);
      const teacher = teacherFromLayersModel(model, {preprocessing: 'none'});
      const raw = await read(() => teacher.logits(x));
      const expected = units === 1 ? [...raw].flatMap((z) => [0, z]) : [...raw];
      for (const each of [model, teacher]) {
        await expectNoLeak(async () => {
          const {values, numClasses} = await scoreModel(each, 'logits').score(x);
          expect(numClasses).toBe(Math.max(units, 2));
          expectClose(values, expected, {abs: 1e-6});
        });
      }
      // The same as the probabilities say, up to what a softmax cannot tell.
      const {values: logits, numClasses} = await scoreModel(model, 'logits').score(x);
      const {values: probabilities} = await scoreModel(model).score(x);
      expectClose(await read(() => softmax(tensor2d(logits, [4, numClasses]))), probabilities, {abs: 1e-6});
    }
  });

  it('leaves the scores of a function and of a GraphModel as they are in every form', async () => {
    const x = images();
    const rows = [
      [3, -1],
      [0, 5],
      [2, 2],
      [7, 1],
    ];
    const model = classifier(3, 'linear');
    for (const form of ['probabilities', 'logits'] as const) {
      expect([...(await scoreModel(() => rows, form).score(x)).values]).toEqual(rows.flat());
      const predicted = await read(() => model.predict(x) as Tensor);
      expectClose((await scoreModel(asGraph(model), form).score(x)).values, predicted, {abs: 1e-6});
    }
  });

  it('lets timers run between batches', async () => {
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    const {score} = scoreModel(() => {
      const until = performance.now() + 10; // browsers let a timer wait for 4 ms
      while (performance.now() < until);
      return [[1], [1], [1], [1]];
    });
    const x = images();
    for (let i = 0; i < 8; i++) await score(x);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
  });

  it('refuses what cannot be scored', () => {
    expect(() => scoreModel('model' as never)).toThrow(TypeError);
    expect(() => scoreModel(null as never)).toThrow(TypeError);
    expect(() => scoreModel(classifier(3, 'tanh'))).toThrow(UnsupportedModelError);
    expect(() => scoreModel({execute: () => undefined, inputs: [], outputs: []} as never)).toThrow(/GraphModel/);
  });

  it('names the caller, and tells a promise of a model to be awaited', () => {
    const promised = Promise.resolve(classifier(2, 'softmax'));
    for (const check of [checkModel, scoreModelFor] as ((where: string, model: never) => unknown)[]) {
      expect(() => check('lime', promised as never)).toThrow(TypeError);
      expect(() => check('lime', promised as never)).toThrow(
        /^lime: model must be a LayersModel, a Teacher, a GraphModel or a score function, but is a promise \(await it first\)/,
      );
    }
    expect(() => checkModel('lime', classifier(2, 'softmax'))).not.toThrow();
    expect(() => checkModel('lime', () => [])).not.toThrow();
  });
});
