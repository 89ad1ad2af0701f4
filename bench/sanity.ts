/**
 * Two questions that insertion and deletion do not answer: whether our maps depend on what the network has learned (its
 * weights are shuffled from the top, the explanation network stays), and whether they name what another network, which
 * knows the same classes, needs as well.
 *
 * Options: `--model mobilenet_v1_025_128`, `--other mobilenet_v2_100_224` (the independent network), `--images 20` (for
 * the shuffled weights), `--judged 40` (for the independent network, of those on whose class both agree), `--seed 7`.
 */
import {parseArgs} from 'node:util';
import {argMax, dispose, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {
  compare,
  formatComparison,
  gradCamExplainer,
  pairedDifferences,
  randomExplainer,
  randomizationCheck,
  riseExplainer,
  selectBackend,
  studentFromTeacher,
  teacherFromLayersModel,
  toNetworkInput,
  type DecodedImage,
  type Explainer,
  type Preprocessing,
  type Teacher,
} from '../src/index.js';
import {explainImages} from '../src/distiller/explain/explain.js';
import {CompiledNetworks} from '../src/distiller/explain/draw-maps.js';
import {unpackCheckpoint} from '../src/distiller/save/checkpoint.js';
import {loadArtifacts} from '../src/files/artifact-store.js';
import {toDisplayPixels} from '../src/data/index.js';
import {resizeMap} from '../src/render/index.js';
import {loadModel} from './data.js';
import {cachedExplainer} from './cached-explainer.js';
import {qualityCases, type QualityCase} from './quality-cases.js';
import type {BenchResult, BenchRow} from './report.js';

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      model: {type: 'string', default: 'mobilenet_v1_025_128'},
      other: {type: 'string', default: 'mobilenet_v2_100_224'},
      images: {type: 'string', default: '20'},
      judged: {type: 'string', default: '40'},
      seed: {type: 'string', default: '7'},
    },
  });
  await selectBackend({prefer: ['wasm']});
  const {name, model, teacher, pictures} = await subjectOf(values.model, 400);
  const makeOurs = await ourExplainers(name, teacher);
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  const some = pictures.slice(0, Number(values.images));
  const methods = {ours: makeOurs, 'Grad-CAM': (copy: LayersModel): Explainer => gradCamExplainer(teacherOf(copy, name))};
  for (const [method, make] of Object.entries(methods)) {
    const {steps} = await randomizationCheck(toNetworkInput(some, teacher), make, model, {seed: Number(values.seed)});
    for (const [at, {layer, mean, standardError}] of steps.entries()) {
      // A step for every layer would fill the screen.
      if (at === 0 || at === steps.length - 1 || at % 5 === 0)
        rows.push({question: 'shuffled down to', what: layer, method, correlation: `${mean.toFixed(3)} ± ${standardError.toFixed(3)}`});
    }
    ratios[`randomized.top.${method}`] = steps[0]?.mean ?? NaN;
    ratios[`randomized.all.${method}`] = steps.at(-1)?.mean ?? NaN;
  }
  const judge = await subjectOf(values.other, 0);
  const agreed = await agreeing(pictures, [teacher, judge.teacher], Number(values.judged));
  const ours = await makeOurs(model);
  const rise = cachedExplainer(riseExplainer(teacher, {numMasks: 2000}), `out/quality/rise-${name}`);
  const explainers = {ours, RISE: rise, 'Grad-CAM': gradCamExplainer(teacher), random: randomExplainer(teacher)};
  const compared = await compare({
    explainers: Object.fromEntries(Object.entries(explainers).map(([method, each]) => [method, seenBy(judge.teacher, teacher, each)])),
    metrics: ['insertion', 'deletion', 'srg'],
    images: agreed,
    model: judge.teacher,
    seed: Number(values.seed),
  });
  console.log(
    `Maps of ${name}, scored by ${judge.name}, ${agreed.length} pictures:\n${formatComparison(compared, {standardErrors: true})}`,
  );
  console.log(formatComparison(pairedDifferences(compared, {reference: 'RISE'}), {standardErrors: true}));
  for (const {method, values: measured} of compared) {
    const [insertion, deletion, srg] = ['insertion', 'deletion', 'srg'].map((metric) => measured[metric]?.mean ?? NaN);
    rows.push({question: `scored by ${judge.name}`, method, insertion: insertion ?? NaN, deletion: deletion ?? NaN, srg: srg ?? NaN});
    ratios[`other.insertion.${method}`] = insertion ?? NaN;
    ratios[`other.deletion.${method}`] = deletion ?? NaN;
  }
  model.dispose();
  judge.model.dispose();
  return {rows, ratios};
}

interface SubjectOfBench {
  readonly name: string;
  readonly model: LayersModel;
  readonly teacher: Teacher;
  readonly pictures: DecodedImage[];
}

async function subjectOf(name: string, images: number): Promise<SubjectOfBench> {
  const model = await loadModel(name);
  const pictures = images === 0 ? [] : (await (qualityCases[name] as QualityCase).measured(images)).images;
  return {name, model, teacher: teacherOf(model, name), pictures};
}

function teacherOf(model: LayersModel, name: string): Teacher {
  return teacherFromLayersModel(model, {preprocessing: (qualityCases[name] as QualityCase).preprocessing, name});
}

/** Makes our explainer for a network of this architecture: a copied student of its own, and the explanation network that was trained. */
async function ourExplainers(name: string, teacher: Teacher): Promise<(model: LayersModel) => Promise<Explainer>> {
  const url = `file://bench/explainers/${name}`;
  const {networks} = await unpackCheckpoint({where: 'bench', url, teacher}, await loadArtifacts('bench', url));
  const {decoder, method, seed} = networks;
  return async (model) => {
    const own = teacherOf(model, name);
    const student = await studentFromTeacher()(own, {seed});
    const compiled = new CompiledNetworks({student, decoder, method});
    const subject = {networks: {teacher: own, student, decoder, method}, compiled, seed, end: new AbortController().signal};
    const explainer = {
      method: 'ours',
      explain: (images: Parameters<Explainer['explain']>[0], options: object | undefined) => explainImages(subject, images, options),
      dispose: (): void => {
        compiled.dispose();
        student.model.dispose();
      },
    };
    return explainer as Explainer;
  };
}

/** Pictures that all networks give the same class, of 1001 each. */
async function agreeing(pictures: readonly DecodedImage[], teachers: readonly Teacher[], count: number): Promise<DecodedImage[]> {
  const agreed: DecodedImage[] = [];
  for (const picture of pictures) {
    if (agreed.length === count) break;
    const classes: number[] = [];
    for (const teacher of teachers) {
      const input = toNetworkInput(picture, teacher);
      const decided = tidy(() => argMax(teacher.logits(input), 1));
      classes.push((await decided.data())[0] as number);
      dispose([input, decided]);
    }
    if (new Set(classes).size === 1) agreed.push(picture);
  }
  return agreed;
}

/** Maps that an explainer draws of one network's input, at the size of another's. */
function seenBy(judge: Teacher, teacher: Teacher, explainer: Explainer): Explainer {
  const [height, width] = judge.inputShape;
  return {
    method: explainer.method,
    explain: async (images, options = {}) => {
      // What the judge sees, back to pixels, and on to what the explained network sees.
      const shown = await toDisplayPixels(images as Tensor4D, judge.preprocessing as Preprocessing);
      const input = toNetworkInput(shown, teacher);
      const maps = await explainer.explain(input, options);
      input.dispose();
      return maps.map((map) => ({...map, ...resizeMap(map, [height, width])}));
    },
  };
}
