/** Builds the networks of a distiller that is not trained yet. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {onBackend} from '../backend/on-backend.js';
import {selectBackend} from '../backend/select-backend.js';
import {show} from '../core/check.js';
import {seedField} from '../core/common-options.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {absentMeans, callback, either, exactly, group, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {SeedOptions, Teacher} from '../core/types.js';
import {checkFilters, explanationDecoder, explanationDecoderSchema, type ExplanationDecoderOptions} from '../models/explanation-decoder.js';
import {isBlackBox} from '../models/black-box.js';
import {residualStudent} from '../models/students/residual-student.js';
import {studentFromTeacher} from '../models/students/student-from-teacher.js';
import type {Student, StudentBuilder} from '../models/students/student.js';
import {borderField} from '../layers/upsample-block.js';
import {methodFields, paperForm, type Method, type MethodOptions} from './method.js';
import type {Networks} from './networks.js';
import {resolveTeacher, teacherInputSchema, type TeacherInput} from './teacher-input.js';
import {disposeModel} from '../tfjs/model-variables.js';

/** Options of `AttentiveDistiller.create`. */
export interface DistillerOptions extends TeacherInput, MethodOptions, SeedOptions {
  /**
   * `'fromTeacher'` copies the teacher's graph and weights, or is `residualStudent({depth: 18, width: 16})` of a black box; a builder makes any other student, such
   * as the paper's ResNet-50, `residualStudent()`. @default 'fromTeacher'
   */
  readonly student?: 'fromTeacher' | StudentBuilder | undefined;
  /**
   * Size of the explanation network, and what it sees beyond the image.
   * @default that of explanationDecoder; `border: 'zeros'` with `objective: 'fidelity'`, otherwise 'replicate'
   */
  readonly decoder?: Pick<ExplanationDecoderOptions, 'filters' | 'border'> | undefined;
}

const WHERE = 'AttentiveDistiller.create';

type DecoderSize = Settled<Pick<ExplanationDecoderOptions, 'filters' | 'border'>, 'filters' | 'border'>;

/** The options of `AttentiveDistiller.create`. */
export const distillerSchema: OptionsSchema<Settled<DistillerOptions, 'preprocessing' | 'labels'>> = {
  where: WHERE,
  fields: {
    ...teacherInputSchema.fields,
    student: withDefault<'fromTeacher' | StudentBuilder, 'fromTeacher'>(
      either(exactly('fromTeacher'), {...callback<StudentBuilder>(), rule: 'a builder such as residualStudent()'}),
      'fromTeacher',
    ),
    decoder: withDefault<DecoderSize, DecoderSize>(
      group<DecoderSize>({
        filters: explanationDecoderSchema.fields.filters,
        border: absentMeans(borderField, "'zeros' with objective: 'fidelity', otherwise 'replicate'"),
      }),
      {filters: undefined, border: undefined},
      "that of explanationDecoder; border: 'zeros' with objective: 'fidelity', otherwise 'replicate'",
    ),
    ...methodFields,
    seed: seedField,
  },
};

/** The networks, and the seed that made them. */
export interface SeededNetworks extends Networks {
  readonly seed: number;
}

/**
 * Builds student and explanation network; selects a tfjs backend if the caller has not.
 *
 * @returns Networks that are the caller's, but for the teacher.
 * @throws {TypeError | RangeError} If an option is wrong, or a builder of the caller's makes no student.
 * @throws {UnsupportedModelError} If the teacher or the student has a form that cannot be used.
 */
export async function createNetworks(options: DistillerOptions): Promise<SeededNetworks> {
  const settings = readOptions(distillerSchema, options);
  const {student: chosen, decoder: size, seed, guidance, plainTaps, objective} = settings;
  const method: Method = {guidance, plainTaps, objective};
  const teacher = resolveTeacher(WHERE, settings);
  await selectBackend();
  return onBackend(WHERE, async () => {
    const fromTeacher = isBlackBox(teacher) ? residualStudent({depth: 18, width: 16}) : studentFromTeacher();
    const build = chosen === 'fromTeacher' ? fromTeacher : chosen;
    const student: unknown = await build(teacher, {seed});
    checkStudent(student);
    try {
      const [height, width] = teacher.inputShape;
      const taps = tapShapes(student, teacher);
      checkFilters(`${WHERE}: decoder.filters`, taps.length, size.filters);
      const ranks = objective !== 'fidelity';
      const decoder = explanationDecoder(decoderTaps(taps, method), [height, width], {
        filters: size.filters,
        border: size.border ?? (ranks ? 'replicate' : 'zeros'),
        head: ranks ? 'linear' : 'sigmoid',
        reduceDeepest: guidance !== 'none',
        seed,
      });
      return {teacher, student, decoder, method, seed};
    } catch (error) {
      disposeModel(student.model);
      throw error;
    }
  });
}

/** Shapes of what the decoder gets, finest first. */
function decoderTaps(taps: readonly [number, number, number][], {guidance, plainTaps}: Method): [number, number, number][] {
  return taps.map(([height, width, channels], tap) => [height, width, guidance === 'none' || tap < plainTaps ? channels : 2 * channels]);
}

function checkStudent(student: unknown): asserts student is Student {
  const {model, trainingMode} = (student ?? {}) as Partial<Student>;
  if (Array.isArray((model as Partial<LayersModel> | undefined)?.outputs) && typeof trainingMode === 'boolean') return;
  throw new TypeError(`${WHERE}: student must return {model: a LayersModel, trainingMode: true or false}, but returned ${show(student)}.`);
}

function tapShapes({model}: Student, {numClasses}: Teacher): [number, number, number][] {
  const shapes = model.outputs.map(({shape}) => shape.slice(1));
  const [logits, ...taps] = shapes;
  const fits =
    logits?.length === 1 &&
    logits[0] === numClasses &&
    taps.length >= 2 &&
    taps.every((tap) => tap.length === 3 && tap.every((size) => size !== null));
  if (!fits) {
    throw new UnsupportedModelError(
      `${WHERE}: a student must have the outputs [logits [${numClasses}], Δf, Δf, …], two Δf or more, with fixed sizes [h, w, C], finest first, but has ${shapes.map((shape) => `[${shape.join(', ')}]`).join(', ')}.`,
    );
  }
  return taps as [number, number, number][];
}

/**
 * The paper's own form (Lee & Kim, sections 3.2 to 3.4): Δf at three scales for the explanation network, and fidelity for
 * its loss. Spread it into the options of `create`; {@link paperTraining} goes with it.
 *
 * @example
 * const distiller = await AttentiveDistiller.create({teacher, ...paperMethod()});
 * await distiller.train(batches, paperTraining());
 */
export function paperMethod(): Method & {
  /** A copy of the teacher with attention at three scales. */
  readonly student: StudentBuilder;
} {
  return {...paperForm, student: studentFromTeacher({scales: 3, initialGate: 0.99})};
}
