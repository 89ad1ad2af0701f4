/**
 * Training against a plain forward pass of the same network on the same batch:
 * - `trainStep`: losses, gradients and update of the student ÷ the student's forward pass;
 * - `explanationStep`: one whole step of the explanation network, with the frozen student, the
 *   teacher asked twice and the gradient through it ÷ the teacher's forward pass.
 *
 * `--only NAME` measures one of the cases.
 */
import {dispose, randomUniform, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {makeUpdater} from '../src/distiller/optimizer.js';
import type {Networks} from '../src/distiller/loss-step.js';
import {resolveFitOptions, type Stage} from '../src/distiller/options.js';
import {prepareBatch} from '../src/distiller/prepare-batch.js';
import {stageNetworks} from '../src/distiller/stage-networks.js';
import {trainableVariables, trainStep} from '../src/distiller/train-step.js';
import {
  explanationDecoder, residualStudent, selectBackend, studentFromTeacher, teacherFromLayersModel, type StudentBuilder,
} from '../src/index.js';
import {loadModel} from './data.js';
import type {BenchResult} from './report.js';
import {resnet50} from './resnet50.js';
import {timeRatio, timingRow, type TimedRatio, type TimingOptions} from './timing.js';

interface Case extends TimingOptions {
  readonly teacher: () => Promise<LayersModel>;
  readonly student: StudentBuilder;
  readonly batch: number;
}

const cases: Readonly<Record<string, Case>> = {
  resnet50_224_b1: {teacher: async () => resnet50(224), student: residualStudent(), batch: 1, repeats: 5},
  residual_64_b16: {teacher: async () => resnet50(64, 10), student: residualStudent({depth: 18, width: 16}), batch: 16},
  mobilenet_v1_128_b8: {teacher: () => loadModel('mobilenet_v1_025_128'), student: studentFromTeacher(), batch: 8},
};

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  await selectBackend({prefer: ['wasm']});
  const only = args[args.indexOf('--only') + 1];
  const chosen = Object.entries(cases).filter(([name]) => !args.includes('--only') || name === only);
  const timed: [string, TimedRatio][] = [];
  for (const [name, each] of chosen) timed.push(...(await measure(name, each)));
  const rows = timed.map(([what, ratio]) => timingRow(what, ratio, ['step', 'forward']));
  return {rows, ratios: Object.fromEntries(timed.map(([what, {ratio}]) => [what, ratio]))};
}

async function measure(name: string, {teacher: load, student: build, batch, repeats = 9}: Case): Promise<[string, TimedRatio][]> {
  const teacherModel = await load();
  const teacher = teacherFromLayersModel(teacherModel);
  const student = await build(teacher, {seed: 1});
  const [, ...taps] = student.model.outputs.map(({shape}) => shape.slice(1) as [number, number, number]);
  const [height, width] = teacher.inputShape;
  const networks: Networks = {teacher, student, decoder: explanationDecoder(taps, [height, width], {seed: 1})};
  const images = randomUniform([batch, ...teacher.inputShape], -1, 1, 'float32', 1) as Tensor4D;
  const labels = Array.from({length: batch}, (_, index) => index % teacher.numClasses);

  const forward = (model: LayersModel) => async (): Promise<void> => {
    const outputs = tidy(() => model.apply(images, {training: false}) as Tensor | Tensor[]);
    await (Array.isArray(outputs) ? (outputs[0] as Tensor) : outputs).data();
    dispose(outputs);
  };
  const prepared = await prepareBatch({teacher}, {images, labels});
  const stepOf = (stage: Stage): {step: () => Promise<void>; end: () => void} => {
    const settings = resolveFitOptions({}, !student.trainingMode);
    const frozen = stageNetworks(stage, networks);
    const updater = makeUpdater(settings.optimizer, 1e-6);
    const context = {stage, settings, lambda: settings.lambda, updater, variables: trainableVariables(stage, networks), where: name};
    const step = async (): Promise<void> => {
      const batchOfStage = stage === 'student' ? prepared : await prepareBatch(frozen, {images, labels});
      await trainStep(frozen, batchOfStage, context);
      if (batchOfStage !== prepared) dispose({...batchOfStage});
    };
    const end = (): void => {
      updater.dispose();
      frozen.dispose();
    };
    return {step, end};
  };
  const ratioOf = async (stage: Stage, model: LayersModel): Promise<TimedRatio> => {
    const {step, end} = stepOf(stage);
    const timed = await timeRatio(step, forward(model), {repeats});
    end();
    return timed;
  };
  const results: [string, TimedRatio][] = [
    [`trainStep.${name}`, await ratioOf('student', student.model)],
    [`explanationStep.${name}`, await ratioOf('explanation', teacherModel)],
  ];
  dispose([images, ...Object.values({...prepared})].filter((tensor) => tensor !== undefined));
  for (const model of new Set([teacherModel, student.model, networks.decoder])) model.dispose();
  return results;
}
