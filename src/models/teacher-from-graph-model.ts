/** Makes a Teacher of a tfjs GraphModel, without touching the model. */
import {absentMeans, text} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {show} from '../core/check.js';
import type {GraphModelLike, Teacher} from '../core/types.js';
import {isReadableGraph} from './graph-model/graph-nodes.js';
import {layersModelOfGraph} from './graph-model/layers-model-of-graph.js';
import {teacherFromLayersModel, teacherSchema, type TeacherOptions} from './teacher-from-layers-model.js';

const WHERE = 'teacherFromGraphModel';

/** Options of {@link teacherFromGraphModel}. */
export interface GraphTeacherOptions extends TeacherOptions {
  /** Name of the node that gives logits or probabilities, where the model has several outputs or ends in something else. @default the model's only output */
  readonly output?: string | undefined;
}

/** The options of {@link teacherFromGraphModel}. */
export const graphTeacherSchema: OptionsSchema<
  Settled<GraphTeacherOptions, 'preprocessing' | 'name' | 'labels' | 'classes' | 'inputShape' | 'output'>
> = {
  where: WHERE,
  fields: {...teacherSchema.fields, output: absentMeans(text(), "the model's only output")},
};

/**
 * Wraps a GraphModel, which tfjs-converter makes of a SavedModel, as the teacher. Its logits are the values in front of the
 * closing softmax or sigmoid; where nothing closes it, its output is taken for logits. Its `model` is a LayersModel of the
 * graph's pieces, each named for the node that it ends in: `listLayers(teacher.model)` shows them, `gradCam` and
 * `studentFromTeacher` take them. A graph that takes one image at a time is run image by image.
 *
 * @param graphModel What `loadGraphModel` gives. Borrowed and never changed: it has to outlive the teacher.
 * @returns The teacher; it holds no tensors.
 * @throws {TypeError} If `graphModel` is no GraphModel, or an option is unknown or of the wrong kind.
 * @throws {UnsupportedModelError} If the graph has several inputs, control flow, or ends in something else; says in what.
 * @throws {RangeError} If `labels`, `inputShape` or `preprocessing` do not fit the model.
 * @example
 * const teacher = teacherFromGraphModel(await loadGraphModel(url), {preprocessing: 'tf'});
 */
export function teacherFromGraphModel(graphModel: GraphModelLike, options?: GraphTeacherOptions): Teacher {
  const {output, inputShape, ...rest} = readOptions(graphTeacherSchema, options);
  if (!isReadableGraph(graphModel)) throw new TypeError(`${WHERE}: graphModel must be a GraphModel, but is ${show(graphModel)}.`);
  return teacherFromLayersModel(layersModelOfGraph(WHERE, graphModel, {output, inputShape}), rest);
}
