/** Makes a Teacher of a tfjs LayersModel, without touching the model. */
import {checkInteger, checkShape} from '../core/check.js';
import {resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import type {Preprocessing, Teacher} from '../core/types.js';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {classifierOf} from './graph/classifier-head.js';

/** Options of {@link teacherFromLayersModel}. */
export interface TeacherOptions {
  /**
   * How the model was trained to see pixels. Wrong here means wrong everywhere, so there is no
   * default: without it decoded pictures are refused and only network input is accepted.
   */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** For messages and saved files. @default the model's name */
  readonly name?: string | undefined;
  /** Class names, one per logit. */
  readonly labels?: readonly string[] | undefined;
  /** `[height, width, channels]`, where the model leaves height or width open. */
  readonly inputShape?: readonly [number, number, number] | undefined;
}

/** Teachers whose logits are those of a model and nothing else. */
const wrapped = new WeakMap<Teacher, LayersModel>();

/** Returns the model that gives all logits of a teacher, where `teacherFromLayersModel` made it. */
export function layersModelOf(teacher: Teacher): LayersModel | undefined {
  return wrapped.get(teacher);
}

/**
 * Wraps a trained classifier as the teacher. Its logits are the values in front of the closing
 * softmax, or of the sigmoid of a single unit; a model that closes with neither gives its output as
 * it is, so that has to be logits (or log-probabilities). Dropout is off and batch norms use their
 * running statistics.
 *
 * @param model One image input `[N,H,W,C]`, one output `[N,K]` or `[N,1,1,K]`. Borrowed and never
 *   changed: it has to outlive the teacher, and weights that change later change the teacher.
 * @returns The teacher; it holds no tensors.
 * @throws {UnsupportedModelError} If the model has another form; the message says what is needed.
 * @throws {RangeError} If `labels`, `inputShape` or the per-channel values of `preprocessing` do not
 *   fit the model.
 * @example
 * const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
 */
export function teacherFromLayersModel(model: LayersModel, options: TeacherOptions = {}): Teacher {
  const where = 'teacherFromLayersModel';
  const {numClasses, logits} = classifierOf(model, where);
  const {name = model.name, labels} = options;
  const inputShape = resolveInputShape(model, options.inputShape);
  const preprocessing = options.preprocessing === undefined ? undefined : resolvePreprocessing(options.preprocessing);
  for (const key of ['mean', 'std'] as const) {
    const values = preprocessing?.[key] ?? 0;
    if (typeof values !== 'number' && values.length !== inputShape[2]) {
      throw new RangeError(`${where}: preprocessing.${key} must have ${inputShape[2]} values, one per channel, but has ${values.length}.`);
    }
  }
  if (labels !== undefined && labels.length !== numClasses) {
    throw new RangeError(`${where}: labels must have ${numClasses} entries, one per class, but has ${labels.length}.`);
  }
  const teacher: Teacher = {
    name,
    inputShape,
    numClasses,
    preprocessing,
    labels,
    model,
    logits(images) {
      checkShape('logits: images', images.shape, [null, ...inputShape]);
      return logits(images);
    },
  };
  wrapped.set(teacher, model);
  return teacher;
}

function resolveInputShape(model: LayersModel, given: TeacherOptions['inputShape']): readonly [number, number, number] {
  const known = (model.inputs[0] as LayersModel['inputs'][number]).shape.slice(1);
  if (given === undefined && known.includes(null)) {
    const shown = known.map((size) => size ?? '?').join(', ');
    throw new UnsupportedModelError(
      `teacherFromLayersModel: model '${model.name}' leaves its input open ([${shown}]). Needed is the option inputShape: [height, width, channels].`,
    );
  }
  const shape = given ?? (known as [number, number, number]);
  for (const size of shape) checkInteger('teacherFromLayersModel: inputShape', size, 1);
  checkShape('teacherFromLayersModel: inputShape', shape, known);
  return shape;
}
