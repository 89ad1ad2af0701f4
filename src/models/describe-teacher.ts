/** What can be said of a model before it is distilled or explained, and why a method does not take it. */
import {AttentiveError} from '../core/errors/attentive-error.js';
import type {PreprocessingName} from '../core/preprocessing.js';
import type {ClassKind, Model, Teacher} from '../core/types.js';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {isBlackBox} from './black-box.js';
import {gradientModel, layeredModel} from './gradient-model.js';
import {classifierOf} from './graph/classifier-head.js';
import {planGraph, type GraphPlan} from './graph/plan.js';
import {tokenGrid} from './graph/token-grid.js';
import {wantsPixels} from './graph/wants-pixels.js';
import {isReadableGraph} from './graph-model/graph-nodes.js';
import {withGraphRead} from './graph-model/read-graph.js';
import {checkModel, scoreModel} from './score-model.js';
import {attentionSites, type AttentionSite} from './students/student-from-teacher.js';
import {modelToCopy} from './students/student-recipe.js';

/** Whether a method takes a model. */
export interface MethodSupport {
  /** Whether it takes the model. */
  readonly works: boolean;
  /** Why not, and what to do; absent where it works. */
  readonly reason?: string;
}

/** What can be asked of a model. */
export type TeacherUse = 'scores' | 'gradients' | 'layers' | 'copied student';

/** A model described. */
export interface TeacherDescription {
  /** What it is. */
  readonly kind: 'LayersModel' | 'GraphModel' | 'Teacher' | 'black box' | 'score function';
  /** Its name, where it has one. */
  readonly name: string | undefined;
  /** `[height, width, channels]`, where it says so. */
  readonly inputShape: readonly number[] | undefined;
  /** How many classes it tells apart, where it says so. */
  readonly numClasses: number | undefined;
  /** Whether one class excludes the others, where it says so. */
  readonly classes: ClassKind | undefined;
  /** What its output is, in words. */
  readonly head: string;
  /**
   * `'scores'`: rise, lime, occlusion, the metrics, distillation with a student of one's own. `'gradients'`: gradientSaliency,
   * smoothGrad, integratedGradients, meaningfulPerturbation. `'layers'`: gradCam and its variants, scoreCam.
   * `'copied student'`: distillation with `studentFromTeacher`.
   */
  readonly uses: Readonly<Record<TeacherUse, MethodSupport>>;
  /** Where attention can be put, finest first. */
  readonly attentionSites: readonly AttentionSite[];
  /** What it seems to want as input, where that can be guessed; a guess is not applied. */
  readonly preprocessing:
    | {
        /** What to give as `preprocessing`. */
        readonly guess: PreprocessingName;
        /** What it is guessed from. */
        readonly because: string;
      }
    | undefined;
  /** All of it, to print. */
  readonly text: string;
}

/**
 * Describes a model: what goes in, what comes out, what can be done with it, and why not.
 *
 * @param model A LayersModel, GraphModel, Teacher or score function. Borrowed; it is not run, but for a GraphModel once.
 * @throws {TypeError} If it is no model.
 * @example
 * console.log(describeTeacher(model).text);
 */
export function describeTeacher(model: Model): TeacherDescription {
  const where = 'describeTeacher';
  checkModel(where, model);
  const kind = kindOfModel(model);
  const network = attempt(() => withGraphRead(where, model) as LayersModel | Teacher);
  const layersModel = networkIn(network.value);
  const head = layersModel && attempt(() => classifierOf(layersModel, where));
  const teacher = 'logits' in model ? model : undefined;
  const uses = {
    scores: supported(() => scoreModel(where, model)),
    gradients: supported(() => gradientModel(where, model)),
    layers: supported(() => layersOf(where, model)),
    'copied student': supported(() => copiedFrom(where, teacher ?? ({name: 'model', model: layersModel} as Teacher))),
  };
  const described = {
    kind,
    name: teacher?.name ?? layersModel?.name,
    inputShape: teacher?.inputShape ?? knownSizes(layersModel),
    numClasses: teacher?.numClasses ?? head?.value?.numClasses,
    classes: teacher?.classes ?? head?.value?.classes,
    head: headInWords(kind, head?.value, head?.reason ?? network.reason),
    uses,
    attentionSites: layersModel === undefined ? [] : attentionSites(layersModel),
    preprocessing: layersModel && guessed(layersModel),
  };
  return {...described, text: textOf(described)};
}

function kindOfModel(model: Model): TeacherDescription['kind'] {
  if (typeof model === 'function') return 'score function';
  if ('logits' in model) return isBlackBox(model) ? 'black box' : 'Teacher';
  return isReadableGraph(model) || !('layers' in model) ? 'GraphModel' : 'LayersModel';
}

function networkIn(model: LayersModel | Teacher | undefined): LayersModel | undefined {
  if (model === undefined || typeof model === 'function') return undefined;
  if ('logits' in model) return model.model;
  return 'layers' in model ? model : undefined;
}

interface Attempt<T> {
  readonly value?: T;
  readonly reason?: string;
}

/** Runs something that may be refused. */
function attempt<T>(work: () => T): Attempt<T> {
  try {
    return {value: work()};
  } catch (error) {
    if (!(error instanceof AttentiveError)) throw error;
    return {reason: error.message.replace(/^describeTeacher:? ?/, '')};
  }
}

function supported(work: () => unknown): MethodSupport {
  const {reason} = attempt(work);
  return reason === undefined ? {works: true} : {works: false, reason};
}

function layersOf(where: string, model: Model): void {
  const plan = planGraph(layeredModel(where, model).network);
  if (!hasMaps(plan)) throw new AttentiveError('no layer gives a feature map [N,H,W,K] with H·W > 1, or tokens that lie in the image.');
}

function hasMaps(plan: GraphPlan): boolean {
  return plan.steps.some(
    (step) =>
      tokenGrid(plan, step) !== undefined ||
      (step.outputShape.length === 4 && (step.outputShape[1] ?? Infinity) * (step.outputShape[2] ?? Infinity) > 1),
  );
}

function copiedFrom(where: string, teacher: Teacher): void {
  const sites = attentionSites(modelToCopy(where, teacher));
  if (sites.length < 2)
    throw new AttentiveError(`everything flows through ${sites.length} feature maps only, and two are needed: use residualStudent().`);
}

function knownSizes(model: LayersModel | undefined): readonly number[] | undefined {
  const sizes = model?.inputs[0]?.shape.slice(1) ?? [];
  return sizes.length === 3 && sizes.every((size) => typeof size === 'number') ? sizes : undefined;
}

function headInWords(
  kind: TeacherDescription['kind'],
  head: ReturnType<typeof classifierOf> | undefined,
  reason: string | undefined,
): string {
  if (kind === 'score function' || kind === 'black box') return 'scores that only the function knows';
  if (head === undefined) return reason ?? 'logits that only the teacher knows';
  const {squashPath, ofProbabilities, numClasses, classes} = head;
  const form =
    classes === 'independent' ? `${numClasses} sigmoids` : numClasses === 1 ? 'one sigmoid' : `a softmax over ${numClasses} classes`;
  if (squashPath !== undefined) return `probabilities: ${form}, in '${squashPath}'; the logits are what goes in`;
  return ofProbabilities
    ? `probabilities that were merged, pooled or scaled; their logarithms are taken for logits`
    : `logits of ${numClasses} classes`;
}

// Of keras.applications, by the names that they give their models.
const families: readonly [RegExp, PreprocessingName][] = [
  [/efficientnet|mobilenet_?v3|convnext|regnet/i, 'none'],
  [/densenet/i, 'torch'],
  [/mobilenet|inception|xception|nasnet|resnet\d+v2/i, 'tf'],
  [/vgg|resnet/i, 'caffe'],
];

/** What a network seems to want. */
function guessed(model: LayersModel): TeacherDescription['preprocessing'] {
  if (wantsPixels(model)) return {guess: 'none', because: 'it scales or normalises its input itself, so it takes pixels 0–255'};
  const family = families.find(([pattern]) => pattern.test(model.name));
  return family && {guess: family[1], because: `its name, '${model.name}', is that of a network of keras.applications`};
}

function textOf({
  kind,
  name,
  inputShape,
  numClasses,
  classes,
  head,
  uses,
  attentionSites: sites,
  preprocessing,
}: Omit<TeacherDescription, 'text'>): string {
  const lines = [
    `${kind}${name === undefined ? '' : ` '${name}'`}`,
    `  input           ${inputShape === undefined ? 'not said' : `[${inputShape.join(', ')}]`}`,
    `  output          ${head}`,
    `  classes         ${numClasses === undefined ? 'not known before it is asked' : `${numClasses}, ${classes ?? 'exclusive'}`}`,
    ...Object.entries(uses).map(([use, {works, reason}]) => `  ${use.padEnd(15)} ${works ? 'yes' : `no: ${reason}`}`),
    `  attention       ${sites.length === 0 ? 'no place' : sites.map(({path, shape}) => `'${path}' ${shape.join('×')}`).join(', ')}`,
  ];
  if (preprocessing !== undefined) lines.push(`  preprocessing   perhaps '${preprocessing.guess}': ${preprocessing.because}`);
  return lines.join('\n');
}
