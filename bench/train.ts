/**
 * Training against a plain forward pass of the same network on the same batch:
 * - `trainStep`: losses, gradients and update of the student ÷ the student's forward pass;
 * - `explanationStep`: one whole step of the explanation network, with the frozen student, the
 *   teacher asked twice and the gradient through it ÷ the teacher's forward pass;
 * - `guidedStep`: the same for a guided distiller that is trained on rankings, whose student copies the teacher: the
 *   pass back that guides, and the teacher asked about two images each.
 *
 * Options: `--only NAME` measures one of the cases, `--backend NAME` takes another backend than wasm.
 */
import {parseArgs} from 'node:util';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {Stage} from '../src/distiller/progress.js';
import {residualStudent, selectBackend, studentFromTeacher, type BackendName, type StudentBuilder} from '../src/index.js';
import {loadModel} from './data.js';
import type {BenchResult} from './report.js';
import {resnet50} from './resnet50.js';
import {timeRatio, timingRow, type TimedRatio, type TimingOptions} from './timing.js';
import {trainingRun, type TrainingRun} from './training-run.js';

interface Case extends TimingOptions {
  readonly teacher: () => Promise<LayersModel>;
  readonly student: StudentBuilder;
  readonly batch: number;
  /** Whether the guided form is measured as well. */
  readonly guided?: boolean;
}

const guidedForm = {guidance: 'attended', objective: 'ranking', plainTaps: 0} as const;
const guidedStudent = studentFromTeacher();

const cases: Readonly<Record<string, Case>> = {
  resnet50_224_b1: {teacher: async () => resnet50(224), student: residualStudent(), batch: 1, repeats: 5},
  residual_64_b16: {teacher: async () => resnet50(64, 10), student: residualStudent({depth: 18, width: 16}), batch: 16, guided: true},
  mobilenet_v2_224_b8: {teacher: () => loadModel('mobilenet_v2_100_224'), student: studentFromTeacher(), batch: 8, repeats: 5},
  mobilenet_v1_128_b8: {teacher: () => loadModel('mobilenet_v1_025_128'), student: studentFromTeacher({scales: 3}), batch: 8, guided: true},
};

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({args, options: {only: {type: 'string'}, backend: {type: 'string', default: 'wasm'}}});
  await selectBackend({prefer: [values.backend as BackendName]});
  const chosen = Object.entries(cases).filter(([name]) => values.only === undefined || name === values.only);
  const timed: [string, TimedRatio][] = [];
  for (const [name, each] of chosen) timed.push(...(await measure(name, each)));
  const rows = timed.map(([what, ratio]) => timingRow(what, ratio, ['step', 'forward']));
  return {rows, ratios: Object.fromEntries(timed.map(([what, {ratio}]) => [what, ratio]))};
}

async function measure(name: string, {teacher, student, batch, repeats = 9, guided = false}: Case): Promise<[string, TimedRatio][]> {
  const ratioOf = async (run: TrainingRun, stage: Stage, of: 'teacher' | 'student'): Promise<TimedRatio> => {
    const {step, end} = run.step(stage);
    const timed = await timeRatio(step, run.forward(of), {repeats, settle: true});
    end();
    return timed;
  };
  const run = await trainingRun(await teacher(), student, batch);
  const results: [string, TimedRatio][] = [
    [`trainStep.${name}`, await ratioOf(run, 'student', 'student')],
    [`explanationStep.${name}`, await ratioOf(run, 'explanation', 'teacher')],
  ];
  run.dispose();
  if (!guided) return results;
  const guidedRun = await trainingRun(await teacher(), guidedStudent, batch, guidedForm);
  results.push([`guidedStep.${name}`, await ratioOf(guidedRun, 'explanation', 'teacher')]);
  guidedRun.dispose();
  return results;
}
