/** Makes a Teacher of a tfjs LayersModel, without touching the model. */
import {checkTensor} from '../core/check-tensor.js';
import {absentMeans, text} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {preprocessingField, type PreprocessingName} from '../core/preprocessing.js';
import type {ClassKind, Preprocessing, Teacher} from '../core/types.js';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {checkLayersModel} from './check-layers-model.js';
import {inputShapeField, inputSpec} from './input-spec.js';
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
    inputShape: inputShapeField,
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
  const {inputShape, preprocessing} = inputSpec(WHERE, model, settings);
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
