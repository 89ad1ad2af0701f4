/** Makes a Teacher of a tfjs LayersModel, without touching the model. */
import {at} from '../core/at.js';
import {checkShape, checkSize} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import {absentMeans, integer, text, tuple} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {preprocessingField, resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import type {ClassKind, Preprocessing, Teacher} from '../core/types.js';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {checkLayersModel} from './check-layers-model.js';
import {classesField, labelsField} from './teacher.js';
import {classifierOf} from './graph/classifier-head.js';

const WHERE = 'teacherFromLayersModel';

/** Options of {@link teacherFromLayersModel}. */
export interface TeacherOptions {
  /**
   * How the model was trained to see pixels. Wrong here means wrong everywhere, so nothing is guessed:
   * without it decoded pictures are refused and only network input is accepted. @default none: tensors only
   */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** For messages and saved files. @default the model's name */
  readonly name?: string | undefined;
  /** Class names, one per logit. @default none */
  readonly labels?: readonly string[] | undefined;
  /**
   * What the logits mean. A model that closes with several sigmoids has independent classes, any other exclusive ones; say
   * so here where a model that closes with neither has independent ones. @default the model's
   */
  readonly classes?: ClassKind | undefined;
  /** `[height, width, channels]`, needed where the model leaves height or width open. @default the model's */
  readonly inputShape?: readonly [number, number, number] | undefined;
}

/** The options of {@link teacherFromLayersModel}. */
export const teacherSchema: OptionsSchema<Settled<TeacherOptions, 'preprocessing' | 'name' | 'labels' | 'classes' | 'inputShape'>> = {
  where: WHERE,
  fields: {
    preprocessing: preprocessingField,
    name: absentMeans(text(), "the model's name"),
    labels: labelsField,
    classes: classesField,
    inputShape: absentMeans(
      tuple<readonly [number, number, number]>('[height, width, channels]', integer(1), integer(1), integer(1)),
      "the model's",
    ),
  },
};

/** Teachers whose logits are those of a model and nothing else. */
const wrapped = new WeakMap<Teacher, LayersModel>();

/** Returns the model that gives all logits of a teacher, where `teacherFromLayersModel` made it. */
export function layersModelOf(teacher: Teacher): LayersModel | undefined {
  return wrapped.get(teacher);
}

/**
 * Wraps a trained classifier as the teacher. Its logits are the values in front of the closing
 * softmax or sigmoids; several sigmoids are independent classes. A model that closes with neither gives its output as
 * it is, so that has to be logits (or log-probabilities). Dropout is off and batch norms use their
 * running statistics.
 *
 * @param model One image input `[N,H,W,C]`, one output `[N,K]` or `[N,1,1,K]`. Borrowed and never
 *   changed: it has to outlive the teacher, and weights that change later change the teacher.
 * @returns The teacher; it holds no tensors.
 * @throws {TypeError} If `model` is no model or a disposed one, or an option is unknown or of the wrong kind.
 * @throws {UnsupportedModelError} If the model has another form; the message says what is needed.
 * @throws {RangeError} If `labels`, `inputShape` or the per-channel values of `preprocessing` do not
 *   fit the model.
 * @example
 * const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
 */
export function teacherFromLayersModel(model: LayersModel, options?: TeacherOptions): Teacher {
  const settings = readOptions(teacherSchema, options);
  checkLayersModel(`${WHERE}: model`, model);
  const {numClasses, logits, squashPath, classes: found} = classifierOf(model, WHERE);
  const classes = settings.classes ?? found;
  if (squashPath !== undefined && classes !== found) {
    throw new RangeError(
      `${WHERE}: classes must be '${found}', since the model closes with ${found === 'independent' ? 'sigmoids' : 'a softmax or one sigmoid'} ('${squashPath}'), but is '${classes}'.`,
    );
  }
  if (classes === 'independent' && numClasses === 1)
    throw new RangeError(`${WHERE}: classes must be 'exclusive' for a model with one output, whose other side is the other class.`);
  const {name = model.name, labels} = settings;
  const inputShape = resolveInputShape(model, settings.inputShape);
  const preprocessing = settings.preprocessing === undefined ? undefined : resolvePreprocessing(WHERE, settings.preprocessing);
  for (const key of ['mean', 'std'] as const) {
    const values = preprocessing?.[key] ?? 0;
    if (typeof values !== 'number' && values.length !== inputShape[2]) {
      throw new RangeError(`${WHERE}: preprocessing.${key} must have ${inputShape[2]} values, one per channel, but has ${values.length}.`);
    }
  }
  if (labels !== undefined && labels.length !== numClasses) {
    throw new RangeError(`${WHERE}: labels must have ${numClasses} entries, one per class, but has ${labels.length}.`);
  }
  const teacher: Teacher = {
    name,
    inputShape,
    numClasses,
    preprocessing,
    labels,
    classes,
    model,
    logits(images) {
      checkTensor('logits: images', images, [null, ...inputShape]);
      return logits(images);
    },
  };
  wrapped.set(teacher, model);
  return teacher;
}

function resolveInputShape(model: LayersModel, given: TeacherOptions['inputShape']): readonly [number, number, number] {
  const known = at(model.inputs, 0).shape.slice(1);
  if (given === undefined && known.includes(null)) {
    const shown = known.map((size) => size ?? '?').join(', ');
    throw new UnsupportedModelError(
      `${WHERE}: model '${model.name}' leaves its input open ([${shown}]). Needed is the option inputShape: [height, width, channels].`,
    );
  }
  const shape = given ?? (known as [number, number, number]);
  checkSize(`${WHERE}: inputShape`, shape[0], shape[1]);
  checkShape(`${WHERE}: inputShape`, shape, known);
  return shape;
}
