/**
 * A student that starts as another trained network, with a fresh head for the teacher's classes. A teacher of which only
 * scores can be asked has no weights to copy, and a student that starts from nothing needs many pictures to learn to see;
 * a network that has learnt that elsewhere only has to learn to decide alike.
 */
import {tensor1d, tensor4d, tidy, zeros} from '@tensorflow/tfjs-core';
import {input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {absentMeans, text} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {channelValue, colourOf, preprocessingField, type PreprocessingName} from '../../core/preprocessing.js';
import {Random} from '../../core/random.js';
import type {Preprocessing, Teacher} from '../../core/types.js';
import {BilinearResize} from '../../layers/bilinear-resize.js';
import {sizeField} from '../../layers/layer-config.js';
import {disposeModel, withoutLeftovers} from '../../tfjs/model-variables.js';
import {checkLayersModel} from '../check-layers-model.js';
import {inputSpec, type InputSpec} from '../input-spec.js';
import {teacherFromLayersModel} from '../teacher-from-layers-model.js';
import {trainableClassifier, type TrainableClassifier} from '../trainable-classifier.js';
import {attentiveCopy, studentFromTeacherSchema, type StudentFromTeacherOptions, type StudentSettings} from './student-from-teacher.js';
import {builderOf, type StudentBuilder} from './student.js';

const WHERE = 'studentFromModel';

/** Options of {@link studentFromModel}. */
export interface StudentFromModelOptions extends StudentFromTeacherOptions {
  /**
   * How that model was trained to see pixels. The student gets the teacher's network input, and turns it into that of the
   * model; needed where the teacher has a preprocessing. @default none: the model sees the teacher's numbers
   */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /**
   * `[height, width]` to which the student enlarges its input, or makes it smaller. Less than the model was trained with costs
   * detail and saves time: half of it is four times as fast.
   * @default the model's own
   */
  readonly size?: readonly [number, number] | undefined;
  /**
   * Path of the layer whose output the fresh head reads, `[N,h,w,C]` or `[N,C]`.
   * @default what the model's own head reads
   */
  readonly features?: string | undefined;
}

type Settings = StudentSettings & Settled<StudentFromModelOptions, 'preprocessing' | 'size' | 'features' | 'taps' | 'scales'>;

/** The options of {@link studentFromModel}. */
export const studentFromModelSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    ...studentFromTeacherSchema.fields,
    preprocessing: preprocessingField,
    size: absentMeans(sizeField, "the model's own"),
    features: absentMeans(text(), "what the model's own head reads"),
  },
};

/**
 * Returns a builder of students that start as a copy of `trained`, up to what its head reads, with a fresh head for the
 * teacher's classes. Such a student knows nothing of the teacher yet, so that training
 * has a stage for it by default. For a teacher whose own network
 * cannot be copied: a black box, a server, operations of your own.
 *
 * @param trained A classifier of pictures that resemble the teacher's, such as a MobileNet of ImageNet. Borrowed and never changed; may
 *   be disposed of once the student is built.
 * @throws {TypeError} If `trained` is no model, or an option is unknown or of the wrong kind; by the builder, if the teacher or the
 *   seed is, or one of both preprocessings is missing.
 * @throws {RangeError} If an option is outside its range; by the builder, if teacher and model see different numbers of channels.
 * @throws {UnsupportedModelError} By the builder: if the model has another form than is needed, cannot run at that size, or has fewer places for
 *   attention than `scales`.
 * @throws {LayerNotFoundError} By the builder: if `features` or a tap names no layer that will do; lists those that will.
 * @example
 * const student = studentFromModel(mobileNet, {preprocessing: 'tf', size: [160, 160]});
 * const distiller = await AttentiveDistiller.create({teacher: hidden, student});
 */
export function studentFromModel(trained: LayersModel, options?: StudentFromModelOptions): StudentBuilder {
  const settings = readOptions(studentFromModelSchema, options);
  checkLayersModel(`${WHERE}: trained`, trained);
  return builderOf(WHERE, (teacher, seed) => {
    const whole = adapted(trained, teacher, settings, new Random(seed).split('head').int(0x7fffffff));
    try {
      return attentiveCopy(WHERE, teacherFromLayersModel(whole, {name: teacher.name}), settings, seed);
    } finally {
      disposeModel(whole);
    }
  });
}

/** The model behind what makes its input of the teacher's, with a fresh head; the caller's. */
function adapted(trained: LayersModel, teacher: Teacher, settings: Settings, seed: number): LayersModel {
  const {inputShape, preprocessing: seen} = inputSpec(WHERE, trained, settings);
  checkInputs(teacher, {inputShape, preprocessing: seen});
  const [height, width] = inputShape;
  return withoutLeftovers(() => {
    const {logits} = withFreshHead(trained, teacher, settings, seed);
    const image = input({shape: [...teacher.inputShape], name: 'network_input'});
    let x: SymbolicTensor = image;
    if (teacher.inputShape[0] !== height || teacher.inputShape[1] !== width)
      x = new BilinearResize({size: [height, width], name: 'to_size'}).apply(x) as SymbolicTensor;
    if (seen !== undefined && teacher.preprocessing !== undefined) x = translated(x, teacher.preprocessing, seen);
    return model({inputs: image, outputs: logits.apply(x) as SymbolicTensor, name: 'student_from_model'});
  });
}

function withFreshHead(trained: LayersModel, {numClasses}: Teacher, settings: Settings, seed: number): TrainableClassifier {
  const {features, preprocessing, size} = settings;
  try {
    const made = trainableClassifier(WHERE, trained, {numClasses, features, preprocessing, size, seed});
    // A layer that wants one size only says so when it runs.
    if (size !== undefined) tidy(() => void made.logits.predict(zeros([1, ...made.spec.inputShape])));
    return made;
  } catch (error) {
    if (error instanceof AttentiveError || size === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedModelError(`${WHERE}: model '${trained.name}' cannot run at ${size.join('×')}: leave out size. (${reason})`, {
      cause: error,
    });
  }
}

function checkInputs(teacher: Teacher, {inputShape, preprocessing}: InputSpec): void {
  if ((preprocessing === undefined) !== (teacher.preprocessing === undefined)) {
    const [known, other] = preprocessing === undefined ? ['the teacher', 'the model'] : ['the model', 'the teacher'];
    throw new TypeError(
      `${WHERE}: preprocessing must be given for the model and for the teacher, or for neither, but only that of ${known} is, so that ${other} might see the wrong colours.`,
    );
  }
  const [channels, wanted] = [inputShape[2], teacher.inputShape[2]];
  if (channels !== wanted)
    throw new RangeError(`${WHERE}: the model must take ${wanted} channels, as teacher '${teacher.name}' does, but takes ${channels}.`);
}

/** Network input of one preprocessing as that of another: a 1×1 convolution that does not learn. */
function translated(x: SymbolicTensor, from: Preprocessing, to: Preprocessing): SymbolicTensor {
  const channels = x.shape.at(-1) as number;
  const factors = new Float32Array(channels * channels);
  const shifts = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const source =
      Array.from({length: channels}, (_, each) => each).find((each) => colourOf(from, each) === colourOf(to, channel)) ?? channel;
    const value = (values: number | readonly number[], place: number): number => channelValue(WHERE, values, place);
    const gain = to.scale / from.scale / value(to.std, channel);
    factors[source * channels + channel] = gain * value(from.std, source);
    shifts[channel] = gain * value(from.mean, source) - value(to.mean, channel) / value(to.std, channel);
  }
  const convolution = layers.conv2d({filters: channels, kernelSize: 1, trainable: false, name: 'to_preprocessing'});
  const translatedInput = convolution.apply(x) as SymbolicTensor;
  tidy(() => convolution.setWeights([tensor4d(factors, [1, 1, channels, channels]), tensor1d(shifts)]));
  return translatedInput;
}
