/**
 * What an explanation costs beside a plain prediction: frames per second of `explain` and of Grad-CAM ÷
 * those of `model.predict` with its values read, one image of 224×224 at a time, on wasm. The student
 * of the ResNet-50 is `residualStudent()`, the others are copies of their teachers. `guided.explain` is a price, the
 * other way round: a guided `explain` ÷ `model.predict`, with the gradient at all four taps (`guidedCoarse.explain`: at
 * those behind the finest), and `guidedFive.explain` one that draws a map for each of five classes.
 * `--models a,b` measures some of them, `--repeats N` says how often (default 15).
 */
import {parseArgs} from 'node:util';
import {randomUniform, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {
  AttentiveDistiller,
  gradCam,
  paperMethod,
  residualStudent,
  selectBackend,
  studentFromTeacher,
  teacherFromLayersModel,
  type StudentBuilder,
  type Teacher,
} from '../src/index.js';
import {loadModel} from './data.js';
import {predicting} from './method-rates.js';
import type {BenchResult, BenchRow} from './report.js';
import {resnet50} from './resnet50.js';
import {timeRatio, timingRow, type Work} from './timing.js';

interface Case {
  readonly load: () => Promise<LayersModel>;
  readonly student: 'fromTeacher' | StudentBuilder;
}

const cases: Readonly<Record<string, Case>> = {
  resnet50_224: {load: async () => resnet50(), student: residualStudent()},
  mobilenet_v2_100_224: {load: () => loadModel('mobilenet_v2_100_224'), student: 'fromTeacher'},
  densenet121_224: {load: () => loadModel('densenet121_224'), student: 'fromTeacher'},
};

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {models: {type: 'string', default: Object.keys(cases).join(',')}, repeats: {type: 'string', default: '15'}},
  });
  await selectBackend({prefer: ['wasm']});
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const name of values.models.split(',')) {
    const each = cases[name];
    if (each === undefined) throw new RangeError(`--models must name some of ${Object.keys(cases).join(', ')}, but names '${name}'.`);
    for (const [kind, work] of await worksOf(each)) {
      const timed = await timeRatio(work.predict, work.explain, {warmup: 3, repeats: Number(values.repeats)});
      rows.push(timingRow(`${kind}.${name}`, timed, ['predict', 'explain']));
      ratios[`${kind}.${name}`] = timed.ratio;
    }
    for (const [kind, work] of await guidedWorksOf(await each.load())) {
      const timed = await timeRatio(work.explain, work.predict, {warmup: 3, repeats: Number(values.repeats)});
      rows.push(timingRow(`${kind}.${name}`, timed, ['explain', 'predict']));
      ratios[`${kind}.${name}`] = timed.ratio;
    }
  }
  return {rows, ratios};
}

type Pair = Readonly<Record<'predict' | 'explain', Work>>;

/** Every explanation of a model beside its plain prediction. The process ends before anything has to be freed. */
async function worksOf({load, student}: Case): Promise<[kind: string, work: Pair][]> {
  const model = await load();
  const teacher = teacherFromLayersModel(model);
  const distiller = await AttentiveDistiller.create({teacher, ...paperMethod(), ...(student !== undefined && {student})});
  const image = imageFor(teacher);
  const predict = predicting(model, image);
  return [
    ['explain', {predict, explain: () => distiller.explain(image)}],
    ['explainUncompiled', {predict, explain: () => distiller.explain(image, {compile: false})}],
    ['gradCam', {predict, explain: () => gradCam(image, teacher)}],
  ];
}

/** The guided explanations. */
async function guidedWorksOf(model: LayersModel): Promise<[kind: string, work: Pair][]> {
  const teacher = teacherFromLayersModel(model);
  const image = imageFor(teacher);
  const predict = predicting(model, image);
  const make = (plainTaps: number): Promise<AttentiveDistiller> =>
    AttentiveDistiller.create({
      teacher,
      guidance: 'attended',
      objective: 'ranking',
      plainTaps,
      student: studentFromTeacher(),
    });
  const [all, behind] = [await make(0), await make(1)];
  return [
    ['guided.explain', {predict, explain: () => all.explain(image)}],
    ['guidedCoarse.explain', {predict, explain: () => behind.explain(image)}],
    ['guidedFive.explain', {predict, explain: () => all.explain(image, {target: [0, 1, 2, 3, 4]})}],
  ];
}

function imageFor({inputShape}: Teacher): Tensor4D {
  return randomUniform([1, ...inputShape], -1, 1, 'float32', 1) as Tensor4D;
}
