/**
 * Table 3 of Lee & Kim: images per second of a plain prediction of ResNet-50 at 224, of ours (the paper's form and guided),
 * Grad-CAM, RISE and LIME, one image at a time, and besides predictions in batches and what a training step takes. Teacher and student are
 * ResNet-50 (`residualStudent()`), with random weights: a clock does not see them.
 *
 * `--backend NAME` names it in the words of `selectBackend`; without it that chooses. RISE's masks
 * (`--masks`, 8000 as in the paper) are not all drawn: the time of `--part` of them is multiplied.
 * `--size`, `--samples` (of LIME), `--steps` and `--batch` (of training), `--repeats`; `--allow-software`
 * takes a GPU's backend that computes on the processor.
 */
import {parseArgs} from 'node:util';
import {randomUniform, type Tensor4D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  gradCam,
  lime,
  paperMethod,
  residualStudent,
  rise,
  selectBackend,
  teacherFromLayersModel,
  type BackendName,
} from '../src/index.js';
import {gridSegments} from '../src/baselines/index.js';
import {methodRates, predicting, type MethodRates} from './method-rates.js';
import type {BenchResult, BenchRow} from './report.js';
import {resnet50} from './resnet50.js';

type Settings = Readonly<Record<'size' | 'masks' | 'part' | 'samples' | 'steps' | 'batch' | 'repeats', number>>;

const defaults: Settings = {size: 224, masks: 8000, part: 320, samples: 1000, steps: 6, batch: 8, repeats: 5};
/** Images per second in the paper, which names a Titan XP for training; LIME was left out for its time. */
const paper: Readonly<Record<string, number>> = {'normal inference': 83.3, ours: 24.4, RISE: 0.03, 'Grad-CAM': 34.8};

interface Measured extends MethodRates {
  /** Seconds per training step, by stage. */
  readonly steps: Readonly<Record<string, number>>;
}

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const numbers = Object.fromEntries(Object.keys(defaults).map((name) => [name, {type: 'string'}] as const));
  const {values} = parseArgs({args, options: {...numbers, backend: {type: 'string'}, 'allow-software': {type: 'boolean', default: false}}});
  const given: Readonly<Record<string, string | boolean | undefined>> = values;
  const settings = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, Number(given[name] ?? value)])) as Settings;
  const adapter = await start(values.backend, Boolean(values['allow-software']));
  return report(adapter, await measure(settings), settings);
}

/** Brings a backend into use, and says what it is. */
async function start(name: string | undefined, allowSoftware: boolean): Promise<string> {
  const {backend, adapter, unavailable} = await selectBackend({
    allowSoftware,
    prefer: name === undefined ? undefined : [name as BackendName],
  });
  for (const each of unavailable) console.log(`${each.name}: ${each.reason}`);
  return [name ?? backend, adapter].filter((each) => each !== undefined).join(', ');
}

/** The process ends before anything has to be freed. */
async function measure({size, masks, part, samples, steps, batch, repeats}: Settings): Promise<Measured> {
  const model = resnet50(size);
  const teacher = teacherFromLayersModel(model);
  const distiller = await AttentiveDistiller.create({teacher, ...paperMethod(), student: residualStudent()});
  const guided = await AttentiveDistiller.create({teacher, student: residualStudent()});
  const image = randomUniform([1, size, size, 3], -1, 1, 'float32', 1) as Tensor4D;
  const images = randomUniform([batch, size, size, 3], -1, 1, 'float32', 1) as Tensor4D;
  const segments = gridSegments(size, size, {numSegments: 49});
  // A GPU compiles what is new to it; the first whole batch is not timed.
  await rise(image, teacher, {numMasks: 32});
  const {rates, shares} = await methodRates(
    predicting(model, image),
    {
      'inference in batches': {work: predicting(model, images), isSlow: false, times: 1 / batch},
      ours: {work: () => distiller.explain(image), isSlow: false},
      'ours, guided': {work: () => guided.explain(image), isSlow: false},
      'Grad-CAM': {work: () => gradCam(image, teacher), isSlow: false},
      RISE: {work: () => rise(image, teacher, {numMasks: part}), isSlow: true, times: masks / part},
      LIME: {work: () => lime(image, teacher, {numSamples: samples, segmenter: segments}), isSlow: true},
    },
    repeats,
  );
  return {rates, shares, steps: await stepSeconds(distiller, size, batch, steps)};
}

/** Seconds per training step after the first, by stage. */
async function stepSeconds(distiller: AttentiveDistiller, size: number, batch: number, steps: number): Promise<Record<string, number>> {
  const images = randomUniform([batch, size, size, 3], -1, 1, 'float32', 2) as Tensor4D;
  const moments: Record<string, number[]> = {};
  await distiller.train(
    Array.from({length: steps}, () => ({images})),
    {
      epochs: 1,
      learningRate: 1e-6,
      onProgress: ({stage}) => (moments[stage] ??= []).push(performance.now()),
    },
  );
  images.dispose();
  return Object.fromEntries(
    Object.entries(moments).map(([stage, times]) => [stage, ((times.at(-1) as number) - (times[0] as number)) / 1000 / (times.length - 1)]),
  );
}

function report(backend: string, {rates, shares, steps}: Measured, {masks, part, samples, batch}: Settings): BenchResult {
  const notes: Readonly<Record<string, string>> = {
    'inference in batches': `of ${batch}`,
    RISE: `${masks} masks, estimated from ${part}`,
    LIME: `${samples} samples, 49 squares`,
  };
  const rows: BenchRow[] = Object.entries(rates).map(([method, rate]) => {
    const published = paper[method];
    return {
      ...{backend, method, 'images/s': round(rate), 'ms per image': round(1000 / rate), '÷ normal': round(shares[method] ?? 1)},
      ...{
        'paper images/s': published ?? '–',
        'paper ÷ normal': published === undefined ? '–' : round(published / (paper['normal inference'] as number)),
        note: notes[method] ?? '',
      },
    };
  });
  for (const [stage, seconds] of Object.entries(steps)) {
    rows.push({
      backend,
      method: `training, ${stage}`,
      'images/s': round(batch / seconds),
      'ms per image': round((1000 * seconds) / batch),
      note: `${round(seconds)} s per step of ${batch} images`,
    });
  }
  return {rows, ratios: Object.fromEntries(Object.entries(shares).map(([method, share]) => [`speed.${method}`, share]))};
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
