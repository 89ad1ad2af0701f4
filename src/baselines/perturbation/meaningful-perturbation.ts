/**
 * Meaningful perturbation (Fong & Vedaldi 2017): the smallest, smoothest mask whose hiding destroys the class
 * (deletion game) or whose showing keeps it (preservation game), found by gradient descent for every image.
 * The mask is coarse and enlarged, so that it cannot become an adversarial pattern.
 */
import {
  abs,
  add,
  gather,
  grad,
  mean,
  mul,
  pow,
  slice,
  squeeze,
  sub,
  sum,
  tensor1d,
  tensor4d,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {Adam} from '../../core/adam.js';
import {progressField, signalField, targetField} from '../../core/common-options.js';
import {absentMeans, either, integer, number, oneOf, tuple, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import {withTensors} from '../../core/tensors.js';
import type {ClassKind, Explainer, ImagesInput, Model, RunOptions, SaliencyMap, Target, TargetFn} from '../../core/types.js';
import {classProbabilities} from '../../losses/class-probabilities.js';
import {checkImages} from '../../data/image-list.js';
import {resizeBilinear} from '../../data/resize.js';
import {gradientModel, type GradientModel} from '../../models/gradient-model.js';
import {checkTarget, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {finiteBaseline, fillField, recordFill, type Fill} from '../../queries/fill.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {blend} from '../../queries/perturb.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {explainerOf} from '../_explainer-of.js';

const WHERE = 'meaningfulPerturbation';
const METHOD = 'meaningful-perturbation';
const MAX_STEPS = 100_000;

/** Options of {@link meaningfulPerturbation}. */
export interface MeaningfulPerturbationOptions extends RunOptions {
  /** What is explained, see {@link Target}. @default 'argmax' */
  readonly target?: Target | undefined;
  /**
   * `'deletion'`: the smallest part whose hiding makes the score fall. `'preservation'`: the smallest part whose showing keeps it
   * up. @default 'deletion'
   */
  readonly game?: 'deletion' | 'preservation' | undefined;
  /** Steps of gradient descent, 1–100000. @default 300 */
  readonly numSteps?: number | undefined;
  /** Rate of Adam, above 0. @default 0.1 */
  readonly learningRate?: number | undefined;
  /** Cells of the mask per axis, one number or `[rows, columns]`, at most the image's sides. @default an eighth of each side, rounded up */
  readonly maskSize?: number | readonly [number, number] | undefined;
  /** Weight of the mean of the mask, at least 0: what it costs to hide (deletion) or show (preservation). @default 0.01 */
  readonly areaWeight?: number | undefined;
  /** Weight of the mean of |difference of neighbouring cells|^3, at least 0. @default 0.2 */
  readonly smoothnessWeight?: number | undefined;
  /** What stands where pixels are hidden. @default 'blur' */
  readonly fill?: Fill | undefined;
}

type Settings = Settled<MeaningfulPerturbationOptions, 'signal' | 'onProgress' | 'maskSize'>;

/** The options of {@link meaningfulPerturbation}. */
export const meaningfulPerturbationSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    target: targetField,
    game: withDefault(oneOf('deletion', 'preservation'), 'deletion'),
    numSteps: withDefault(integer(1, MAX_STEPS), 300),
    learningRate: withDefault(number(Number.MIN_VALUE), 0.1),
    maskSize: absentMeans(
      either<number | readonly [number, number]>(integer(1), tuple('[rows, columns]', integer(1), integer(1))),
      'an eighth of each side, rounded up',
    ),
    areaWeight: withDefault(number(0), 0.01),
    smoothnessWeight: withDefault(number(0), 0.2),
    fill: withDefault<Fill, 'blur'>(fillField, 'blur'),
    signal: signalField,
    onProgress: progressField,
  },
};

// The paper's β: jumps cost more than slopes.
const POWER = 3;

/**
 * Draws maps of meaningful perturbation. With m = 1 where the image is shown and Φ(m) = m ⊙ x + (1 − m) ⊙ baseline, the
 * deletion game minimises `f(Φ(m)) + areaWeight · mean(1 − m) + smoothness`, the preservation game
 * `−f(Φ(m)) + areaWeight · mean(m) + smoothness`, f the probability of the class (or the target's value), smoothness the
 * weighted mean of |difference of neighbouring cells|³ along both axes. m starts at 1 everywhere and stays in [0,1].
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if `model` is a Teacher with
 *   preprocessing; one or an array. Borrowed.
 * @param model A LayersModel that is a classifier, or any Teacher whose `logits` are differentiable. Borrowed.
 * @returns One map per image and class, image by image: `1 − m` for deletion, m for preservation, in [0,1]. A map of equal
 *   values is zeros, with `empty: true`. Nothing is random. Plain numbers, nothing to free.
 * @throws {UnsupportedModelError} If the model is no classifier or has no gradient.
 * @throws {TypeError | RangeError} If an argument is of the wrong kind or out of range. Aborting rejects with the signal's
 *   reason.
 * @see Fong & Vedaldi 2017, "Interpretable Explanations of Black Boxes by Meaningful Perturbation", sections 4.1–4.3. The means
 *   make the weights independent of the mask's size; the paper also jitters the image, which is left out.
 * @example
 * const [map] = await meaningfulPerturbation(image, teacher, {game: 'preservation', numSteps: 100});
 */
export async function meaningfulPerturbation(
  images: ImagesInput,
  model: Model,
  options?: MeaningfulPerturbationOptions,
): Promise<SaliencyMap[]> {
  const settings = readOptions(meaningfulPerturbationSchema, options);
  const {target, signal, onProgress, numSteps} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = gradientModel(WHERE, model);

  const drawOne = ({images: image, first}: ImageBatch): Promise<SaliencyMap[]> =>
    withTensors(async (scope) => {
      const wanted = resolveTargets(WHERE, target, await classifier.score(image, target), first)[0] as ResolvedTarget[];
      const [, height, width] = image.shape;
      const maskSize = sizeOf(settings, [height, width]);
      const baseline = scope.own(await finiteBaseline(WHERE, settings.fill, image));
      const record = recordOptions(settings, {maskSize, fill: recordFill(settings.fill), logit: classifier.logit});
      const maps: SaliencyMap[] = [];
      for (const each of wanted) {
        const before = first * numSteps + (maps.length / wanted.length) * numSteps;
        const report = (step: number): void =>
          onProgress?.({stage: WHERE, done: before + step / wanted.length, total: numImages * numSteps});
        const explained = typeof target === 'function' ? target : probabilityOf(each.target, classifier.kind);
        const mask = await optimise(classifier, {image, baseline, explained, maskSize, settings, report});
        const plane = scope.own(tidy(() => resizeBilinear(tensor4d(mask, [1, ...maskSize, 1]), [height, width])));
        const shown = await plane.data<'float32'>();
        const values = settings.game === 'deletion' ? shown.map((value) => 1 - value) : Float32Array.from(shown);
        maps.push({...settleValues(WHERE, values), height, width, ...each, method: METHOD, seed: null, options: record});
      }
      return maps;
    });
  return overImageBatches(images, {where: WHERE, batchSize: 1, signal, toInput: classifier.toInput}, drawOne);
}

/**
 * Binds {@link meaningfulPerturbation} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = meaningfulPerturbationExplainer(teacher, {numSteps: 100});
 */
export function meaningfulPerturbationExplainer(model: Model, options: MeaningfulPerturbationOptions = {}): Explainer {
  return explainerOf(
    {method: METHOD, schema: meaningfulPerturbationSchema, model, options},
    (images, {batchSize: _, ...all}: MeaningfulPerturbationOptions & {batchSize?: number | undefined}) =>
      meaningfulPerturbation(images, model, all),
  );
}

interface Search {
  readonly image: Tensor4D;
  readonly baseline: Tensor4D;
  readonly explained: TargetFn;
  readonly maskSize: readonly [number, number];
  readonly settings: Settings;
  readonly report: (step: number) => void;
}

/** Finds the mask, `rows · columns` values in [0,1]. */
async function optimise(
  classifier: GradientModel,
  {image, baseline, explained, maskSize, settings, report}: Search,
): Promise<Float32Array> {
  const {numSteps, learningRate, areaWeight, smoothnessWeight, game, signal} = settings;
  const [rows, columns] = maskSize;
  const [, height, width] = image.shape;
  const mask = new Float32Array(rows * columns).fill(1);
  const adam = new Adam(mask.length, learningRate);
  // Both games go down: the score when parts are hidden, the negative score when they are shown.
  const sign = game === 'deletion' ? 1 : -1;
  const shown = (cells: Tensor4D): Tensor4D => blend(baseline, image, resizeBilinear(cells, [height, width]));
  for (let step = 1; step <= numSteps; step++) {
    signal?.throwIfAborted();
    const gradient = await withTensors(async (scope) => {
      const cells = scope.own(tensor4d(mask, [1, rows, columns, 1]));
      const slope = scope.own(await classifier.gradient(scope.own(tidy(() => shown(cells))), explained));
      // ⟨slope, Φ(m)⟩ has the gradient that f(Φ(m)) has with respect to m.
      const loss = (m: Tensor): Tensor => {
        const costs = add(mul(mean(m), -sign * areaWeight), mul(roughness(m as Tensor4D), smoothnessWeight));
        return add(mul(sum(mul(slope, shown(m as Tensor4D))), sign), costs);
      };
      return scope.own(tidy(() => grad(loss)(cells))).data<'float32'>();
    });
    adam.step(mask, gradient);
    for (let cell = 0; cell < mask.length; cell++) mask[cell] = Math.min(1, Math.max(0, at(mask, cell)));
    report(step);
  }
  return mask;
}

/** Mean of |difference|³ between neighbours, along rows and along columns. */
function roughness(cells: Tensor4D): Tensor {
  const [, rows, columns] = cells.shape;
  const between = (begin: [number, number], size: [number, number]): Tensor4D => slice(cells, [0, ...begin, 0], [1, ...size, 1]);
  const along = (later: Tensor4D, earlier: Tensor4D): Tensor =>
    later.size === 0 ? mul(sum(cells), 0) : mean(pow(abs(sub(later, earlier)), POWER));
  return add(
    along(between([1, 0], [rows - 1, columns]), between([0, 0], [rows - 1, columns])),
    along(between([0, 1], [rows, columns - 1]), between([0, 0], [rows, columns - 1])),
  );
}

function sizeOf({maskSize}: Settings, [height, width]: readonly [number, number]): readonly [number, number] {
  const [rows, columns] = typeof maskSize === 'number' ? [maskSize, maskSize] : (maskSize ?? [Math.ceil(height / 8), Math.ceil(width / 8)]);
  if (rows <= height && columns <= width) return [rows, columns];
  throw new RangeError(`${WHERE}: maskSize must be at most the image, ${height}×${width} (height×width), but is ${rows}×${columns}.`);
}

/** The probability of a class as a function of the logits. */
function probabilityOf(target: number, kind: ClassKind): TargetFn {
  return (logits) => squeeze(gather(classProbabilities(logits, kind), tensor1d([target], 'int32'), 1), [1]) as Tensor1D;
}
