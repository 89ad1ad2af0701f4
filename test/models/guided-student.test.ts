/** The guided taps of a student against the graph computed step by step, tap by tap. */
import '../helpers/use-wasm.js';
import {
  clone,
  dispose,
  gather,
  grad,
  logSoftmax,
  memory,
  mul,
  oneHot,
  profile,
  sub,
  sum,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, type LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {residualStudent, studentFromTeacher, teacherFromLayersModel, UnsupportedModelError, type Student} from '../../src/index.js';
import {GuidedStudent, type Evidence} from '../../src/models/compiled/guided-student.js';
import {executeGraph} from '../../src/models/graph/execute-graph.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';
import {read} from '../helpers/read.js';
import {drawWeights} from '../helpers/trained-like.js';

/** log p of a class for each image. */
const logOf =
  (...classes: number[]): Evidence =>
  (logits) =>
    sum(mul(logSoftmax(logits, -1), oneHot(classes, logits.shape[1])), 1);
/** Class 0 rather than class 1. */
const contrast: Evidence = (logits) => sub(gather(logits, 0, 1), gather(logits, 1, 1)) as Tensor1D;

let teacher: LayersModel;
let images: Tensor4D;
const students: Record<string, Student> = {};

beforeAll(async () => {
  teacher = patchTeacher();
  images = patchBatch(0, 3).images;
  const wrapped = teacherFromLayersModel(teacher);
  students['a copy of the teacher'] = await studentFromTeacher({initialGate: 0.7})(wrapped, {seed: 1});
  students['a residual student'] = await residualStudent({depth: 18, width: 4})(wrapped, {seed: 1});
  drawWeights(students['a residual student'].model, 4);
});
afterAll(() => {
  for (const {model} of Object.values(students)) disposeModel(model);
  teacher.dispose();
  images.dispose();
});

/** Asks for one evidence and hands over what the decoder gets. */
function askOne(guided: GuidedStudent, evidence: Evidence): {logits: Tensor2D; taps: Tensor4D[]} {
  const {logits, used} = guided.run(images, [evidence], (taps) => taps.map((tap) => clone(tap)));
  return {logits, taps: used[0]!};
}

/** The tensor divided by its root mean square over each of `count` images. */
function unit(values: Float32Array, count: number): Float32Array {
  const each = values.length / count;
  return values.map((value, index) => {
    const first = Math.floor(index / each) * each;
    const square = values.subarray(first, first + each).reduce((total, other) => total + other * other, 0) / each;
    return value / (Math.sqrt(square) + 1e-8);
  });
}

/** What a tap should give, channel by channel: the features of each place, then their product with the gradient. */
async function expected(
  {model}: Student,
  tap: number,
  evidence: Evidence,
  features: 'attended' | 'delta',
): Promise<{plain: Float32Array; both: Float32Array}> {
  const deltas = model.layers.filter((layer) => layer.getClassName() === 'AttentiveDelta');
  const delta = deltas[tap]!;
  const source = delta.inboundNodes[0]!.inboundLayers[0]!.name;
  const f = tidy(() => executeGraph(model, images, {until: source}) as Tensor4D);
  const score = (a: Tensor): Tensor => sum(evidence((executeGraph(model, images, {given: {[source]: a}}) as Tensor2D[])[0]!));
  const gradient = await read(() => grad(score)(f));
  const value =
    features === 'attended'
      ? Float32Array.from(await f.data())
      : await read(() => executeGraph(model, images, {until: delta.name}) as Tensor);
  const channels = f.shape[3];
  f.dispose();
  const plain = unit(value, 3);
  const product = unit(
    value.map((each, index) => each * gradient[index]!),
    3,
  );
  const both = new Float32Array(2 * plain.length);
  for (let index = 0; index < plain.length; index++) {
    const [place, channel] = [Math.floor(index / channels), index % channels];
    both[place * 2 * channels + channel] = plain[index]!;
    both[place * 2 * channels + channels + channel] = product[index]!;
  }
  return {plain, both};
}

describe.each(['a copy of the teacher', 'a residual student'])('%s, guided', (name) => {
  it.each<['attended' | 'delta', number, string, Evidence]>([
    ['attended', 0, 'a class for each image', logOf(0, 2, 1)],
    ['delta', 0, 'a class for each image', logOf(1, 1, 0)],
    ['attended', 1, 'a contrast', contrast],
    ['delta', 2, 'a contrast', contrast],
  ])('gives %s features, from tap %i on with the gradient of %s', (features, plainTaps, _, evidence) =>
    expectNoLeak(async () => {
      const student = students[name]!;
      const guided = new GuidedStudent('test', student, {features, plainTaps});
      const {logits, taps} = askOne(guided, evidence);
      expect(taps.map(({shape}) => shape.slice(1))).toEqual(guided.tapShapes);
      const asked = await read(() => (student.model.predict(images) as Tensor[])[0]!);
      expectClose(await logits.data(), asked, {abs: 1e-4, relToMax: 1e-4}, 'logits');
      for (const [tap, tensor] of taps.entries()) {
        const {plain, both} = await expected(student, tap, evidence, features);
        expectClose(await tensor.data<'float32'>(), tap < plainTaps ? plain : both, {abs: 2e-3, relToMax: 1e-3}, `tap ${tap}`);
      }
      guided.dispose();
      dispose([logits, ...taps]);
    }),
  );
});

describe('a guided student', () => {
  it('gives several classes bit for bit what it gives each alone, and runs forward once for all', () =>
    expectNoLeak(async () => {
      const student = students['a copy of the teacher']!;
      const guided = new GuidedStudent('test', student, {features: 'attended', plainTaps: 1});
      const several = [logOf(0, 0, 0), contrast, logOf(2, 1, 0)];
      const kernelsFor = async (evidence: Evidence[]): Promise<string[]> => {
        const {kernelNames} = await profile(() => {
          const {logits, used} = guided.run(images, evidence, (taps) => taps.map((tap) => clone(tap)));
          dispose([logits, ...used.flat()]);
        });
        return kernelNames;
      };
      const {logits, used} = guided.run(images, several, (taps) => taps.map((tap) => clone(tap)));
      for (const [index, evidence] of several.entries()) {
        const alone = askOne(guided, evidence);
        expect(await logits.data()).toEqual(await alone.logits.data());
        for (const [tap, tensor] of alone.taps.entries()) expect(await used[index]![tap]!.data()).toEqual(await tensor.data());
        dispose([alone.logits, ...alone.taps]);
      }
      expect(await used[0]!.at(-1)!.data()).not.toEqual(await used[2]!.at(-1)!.data());
      dispose([logits, ...used.flat()]);
      const numConvolutions = (names: string[]): number => names.filter((name) => name === 'FusedConv2D').length;
      expect(numConvolutions(await kernelsFor(several))).toBe(numConvolutions(await kernelsFor(several.slice(0, 1))));
      guided.dispose();
    }));

  it('frees everything when the evidence throws, and knows when its weights have changed', async () => {
    const student = students['a residual student']!;
    const guided = new GuidedStudent('test', student, {features: 'attended', plainTaps: 0});
    const before = memory().numTensors;
    const failing: Evidence = () => {
      throw new Error('no evidence');
    };
    expect(() => askOne(guided, failing)).toThrow('no evidence');
    expect(memory().numTensors).toBe(before);
    expect(guided.isCurrent).toBe(true);
    drawWeights(student.model, 5);
    expect(guided.isCurrent).toBe(false);
    guided.dispose();
  });

  it('needs to know what the attention module gave', () => {
    const x = input({shape: [8, 8, 3]});
    const map = layers.conv2d({filters: 2, kernelSize: 3}).apply(x);
    const logits = layers.dense({units: 2}).apply(layers.flatten().apply(map));
    const model = functional({inputs: x, outputs: [logits, map, map] as never});
    const make = (): unknown => new GuidedStudent('explain', {model, trainingMode: false}, {features: 'delta', plainTaps: 0});
    expect(make).toThrow(UnsupportedModelError);
    expect(make).toThrow(/^explain: every Δf of the student must come from an AttentionDelta layer.*Conv2D 'conv2d/);
    disposeModel(model);
  });
});
