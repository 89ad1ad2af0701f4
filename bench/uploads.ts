/**
 * What a training step sends to the device, reads back and runs, counted, on `--backend` (default webgpu, where nothing is
 * computed for it, so that an adapter in software will do): bytes per step, and the operations of tfjs, of which some run no program.
 * `--only NAME` measures one of the cases, `--kinds` prints the operations by kind.
 */
import {parseArgs} from 'node:util';
import {engine} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {Stage} from '../src/distiller/progress.js';
import {residualStudent, selectBackend, studentFromTeacher, type BackendName, type StudentBuilder} from '../src/index.js';
import type {BenchResult, BenchRow} from './report.js';
import {resnet50} from './resnet50.js';
import {total, trafficOf, type Traffic} from './traffic.js';
import {trainingRun, type TrainingRun} from './training-run.js';

interface Case {
  readonly teacher: () => LayersModel;
  readonly student: StudentBuilder;
  readonly batch: number;
  readonly guided?: boolean;
}

/** Neither the operations nor what goes up besides the batch depend on the size of the images, unless something is wrong. */
const cases: Readonly<Record<string, Case>> = {
  resnet50: {teacher: () => resnet50(64, 10), student: residualStudent(), batch: 2},
  resnet18: {teacher: () => resnet50(64, 10), student: residualStudent({depth: 18, width: 16}), batch: 2},
  copy: {teacher: () => resnet50(64, 10), student: studentFromTeacher(), batch: 2, guided: true},
};

const guidedForm = {guidance: 'attended', objective: 'ranking'} as const;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      backend: {type: 'string', default: 'webgpu'},
      only: {type: 'string'},
      kinds: {type: 'boolean', default: false},
    },
  });
  await selectBackend({prefer: [values.backend as BackendName], allowSoftware: true});
  const counted: [string, Traffic][] = [];
  for (const [name, each] of Object.entries(cases)) {
    if (values.only === undefined || values.only === name) counted.push(...(await measure(name, each)));
  }
  if (values.kinds) for (const [what, {kernels, programs}] of counted) printKinds(what, kernels, programs);
  const ratios = counted.flatMap(([what, traffic]) => [
    [`uploads.bytesPerStep.${what}`, total(traffic.uploads)],
    [`kernels.perStep.${what}`, total(traffic.kernels)],
  ]);
  return {rows: counted.map(([what, traffic]) => row(what, traffic)), ratios: Object.fromEntries(ratios) as Record<string, number>};
}

async function measure(name: string, {teacher, student, batch, guided = false}: Case): Promise<[string, Traffic][]> {
  const run = await trainingRun(teacher(), student, batch, guided ? guidedForm : undefined);
  const stages: readonly Stage[] = guided ? ['explanation'] : ['student', 'explanation'];
  const counted: [string, Traffic][] = [];
  for (const stage of stages) counted.push([`${guided ? 'guided' : stage}.${name}`, await stepOf(run, stage)]);
  run.dispose();
  return counted;
}

/** Of the second step: the first makes what the later ones find. */
async function stepOf(run: TrainingRun, stage: Stage): Promise<Traffic> {
  const {step, end} = run.step(stage);
  const isDry = engine().backendName === 'webgpu';
  await trafficOf(step, isDry);
  const traffic = await trafficOf(step, isDry);
  end();
  return traffic;
}

function row(what: string, {kernels, programs, uploads, downloads}: Traffic): BenchRow {
  const nothing = ['Identity', 'Cast', 'Reshape'].map((kind) => kernels[kind] ?? 0);
  return {
    what,
    operations: total(kernels),
    'Identity, Cast, Reshape': nothing.join(', '),
    programs: total(programs),
    'bytes up': total(uploads),
    arrays: uploads.length,
    largest: Math.max(0, ...uploads),
    'bytes back': total(downloads),
  };
}

function printKinds(what: string, ...counts: Readonly<Record<string, number>>[]): void {
  for (const each of counts) {
    const sorted = Object.entries(each).sort(([, a], [, b]) => b - a);
    console.log(`${what}: ${sorted.map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`);
  }
}
