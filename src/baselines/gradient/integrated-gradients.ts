/**
 * Integrated gradients (Sundararajan, Taly & Yan 2017): the gradient along the straight line from a baseline
 * image to the image, averaged and multiplied by the way. The values of a map add up to what the logit gains
 * on that way, which the map reports how exactly.
 */
import {add, mul, sub, tensor4d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {batchSizeField, progressField, signalField, targetField} from '../../core/common-options.js';
import {integer, oneOf, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import {withTensors, type TensorScope} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {gradientModel, type Explained, type GradientModel} from '../../models/gradient-model.js';
import {checkTarget, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {finiteBaseline, fillField, recordFill, type Fill} from '../../queries/fill.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {explainerOf} from '../_explainer-of.js';
import {quadrature, type QuadratureRule} from './quadrature.js';
import {readAndFree, reduceChannels, type ChannelReduction} from './channels.js';

const WHERE = 'integratedGradients';
const METHOD = 'integrated-gradients';
const MAX_STEPS = 100_000;

/** Options of {@link integratedGradients}. */
export interface IntegratedGradientsOptions extends ExplainerOptions {
  /** Where the way begins: what stands where nothing of the image is there. @default 'zeros' */
  readonly fill?: Fill | undefined;
  /** Gradients along the way, 1–100000. @default 50 */
  readonly numSteps?: number | undefined;
  /** How the integral becomes a sum. @default 'gauss-legendre' */
  readonly rule?: QuadratureRule | undefined;
  /** How the channels of a pixel become one value, of `g · (x − baseline)`. @default 'signed-sum' */
  readonly reduce?: Exclude<ChannelReduction, 'gradient-times-input'> | undefined;
}

/** A map of {@link integratedGradients}. */
export interface IntegratedGradientsMap extends SaliencyMap {
  /** `Σ attributions − (z(x) − z(baseline))`, 0 for an exact integral: the error of the sum, in units of the logit. */
  readonly convergenceDelta: number;
}

type Settings = Settled<IntegratedGradientsOptions, 'signal' | 'onProgress'>;

/** The options of {@link integratedGradients}. */
export const integratedGradientsSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    target: targetField,
    fill: withDefault<Fill, 'zeros'>(fillField, 'zeros'),
    numSteps: withDefault(integer(1, MAX_STEPS), 50),
    rule: withDefault(oneOf('gauss-legendre', 'midpoint', 'trapezoid'), 'gauss-legendre'),
    reduce: withDefault(oneOf('max-abs', 'sum-abs', 'signed-sum'), 'signed-sum'),
    batchSize: batchSizeField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Draws maps of integrated gradients: `(x − b) · ∫₀¹ ∂z_c/∂x (b + α(x − b)) dα`, z the logits and b the baseline image,
 * then reduced over channels. A closing softmax or sigmoid is left out. With one output z the classes are 0 (−z) and 1 (z).
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if `model` is a Teacher with
 *   preprocessing; one or an array. Borrowed.
 * @param model A LayersModel or GraphModel that is a classifier, or any Teacher whose `logits` are differentiable. Borrowed.
 * @returns One map per image and class, image by image; with `'signed-sum'` their values sum to `z(x) − z(b)`, but for
 *   `convergenceDelta`. A flat map is zeros, with `empty: true`. Plain numbers, nothing to free.
 * @throws {UnsupportedModelError} If the model is no classifier or has no gradient (a score function).
 * @throws {RangeError} If an option or the target is out of range, or a map is not finite. Aborting rejects with the
 *   signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", section 3; numbers of Captum.
 * @example
 * const [map] = await integratedGradients(image, teacher, {numSteps: 100, fill: 'blur'});
 */
export async function integratedGradients(
  images: ImagesInput,
  model: Model,
  options?: IntegratedGradientsOptions,
): Promise<IntegratedGradientsMap[]> {
  const settings = readOptions(integratedGradientsSchema, options);
  const {target, signal, onProgress, numSteps, rule} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = gradientModel(WHERE, model);
  const nodes = quadrature(rule, numSteps);
  const record = recordOptions(settings, {fill: recordFill(settings.fill), logit: classifier.logit});

  const drawOne = ({images: image, first}: ImageBatch): Promise<IntegratedGradientsMap[]> =>
    withTensors(async (scope) => {
      const wanted = resolveTargets(WHERE, target, await classifier.score(image, target), first)[0] as ResolvedTarget[];
      const way: Way = {image, baseline: scope.own(await finiteBaseline(WHERE, settings.fill, image)), nodes, settings};
      const difference = await scope.own(tidy(() => sub(image, way.baseline))).data<'float32'>();
      const [, height, width, channels] = image.shape;
      const maps: IntegratedGradientsMap[] = [];
      for (const each of wanted) {
        const explained = (count: number): Explained =>
          typeof target === 'function' ? target : Array.from({length: count}, () => each.target);
        const report = (done: number): void =>
          onProgress?.({
            stage: WHERE,
            done: first * numSteps + ((maps.length + done / numSteps) / wanted.length) * numSteps,
            total: numImages * numSteps,
          });
        const mean = await meanGradient(classifier, way, explained, scope, report);
        const attributions = mean.map((gradient, place) => gradient * at(difference, place));
        const [end, start] = [await classifier.value(image, explained(1)), await classifier.value(way.baseline, explained(1))];
        const sum = attributions.reduce((total, value) => total + value, 0);
        const data = reduceChannels(attributions, channels, settings.reduce, attributions);
        maps.push({
          ...settleValues(WHERE, data),
          height,
          width,
          ...each,
          method: METHOD,
          seed: null,
          options: record,
          convergenceDelta: sum - (at(end, 0) - at(start, 0)),
        });
      }
      return maps;
    });
  return overImageBatches(images, {where: WHERE, batchSize: 1, signal, toInput: classifier.toInput}, drawOne);
}

/**
 * Binds {@link integratedGradients} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = integratedGradientsExplainer(teacher, {fill: 'blur'});
 */
export function integratedGradientsExplainer(model: Model, options: IntegratedGradientsOptions = {}): Explainer {
  return explainerOf({method: METHOD, schema: integratedGradientsSchema, model, options}, (images, all) =>
    integratedGradients(images, model, all),
  );
}

/** From where to where, and the stops. */
interface Way {
  readonly image: Tensor4D;
  readonly baseline: Tensor4D;
  readonly nodes: ReturnType<typeof quadrature>;
  readonly settings: Settings;
}

/** The weighted mean of the gradients at all nodes, in double precision. */
async function meanGradient(
  classifier: GradientModel,
  {image, baseline, nodes, settings: {batchSize, signal}}: Way,
  explained: (count: number) => Explained,
  scope: TensorScope,
  report: (done: number) => void,
): Promise<Float64Array> {
  const mean = new Float64Array(image.size);
  for (let first = 0; first < nodes.length; first += batchSize) {
    signal?.throwIfAborted();
    const part = nodes.slice(first, first + batchSize);
    const copies = scope.own(
      tidy(() => {
        const positions = tensor4d(
          Float32Array.from(part, ({position}) => position),
          [part.length, 1, 1, 1],
        );
        return add<Tensor4D>(baseline, mul(positions, sub(image, baseline)));
      }),
    );
    const gradients = await readAndFree(classifier.gradient(copies, explained(part.length)));
    scope.release(copies).dispose();
    part.forEach(({weight}, copy) => {
      const own = gradients.subarray(copy * mean.length, (copy + 1) * mean.length);
      for (let place = 0; place < mean.length; place++) mean[place] = at(mean, place) + weight * at(own, place);
    });
    report(first + part.length);
  }
  return mean;
}
