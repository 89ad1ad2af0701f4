/** A Teacher from wherever a tfjs model lies: files, the web, the storage of a browser. */
import {io, type serialization} from '@tensorflow/tfjs-core';
import {isPromise, show} from '../core/check.js';
import {signalField} from '../core/common-options.js';
import {isNode} from '../core/is-node.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {absentMeans, callback, custom} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {Teacher} from '../core/types.js';
import {untilAborted} from '../core/until-aborted.js';
import {schemeOf} from '../files/file-path.js';
import {translateKeras} from '../files/keras/translate-keras.js';
import {graphModelFromArtifacts, type LoadGraphModel} from '../files/load-graph-model.js';
import {checkClasses, layersModelFromArtifacts} from '../files/load-layers-model.js';
import {loadHandlersFor} from '../files/load-handlers.js';
import {readModelFiles} from '../files/model-files.js';
import {modelKind, refuseKerasFile} from '../files/model-json.js';
import {disposeModel} from '../tfjs/model-variables.js';
import {graphTeacherSchema, teacherFromGraphModel, type GraphTeacherOptions} from './teacher-from-graph-model.js';
import {teacherFromLayersModel} from './teacher-from-layers-model.js';

const WHERE = 'loadTeacher';

/** Options of {@link loadTeacher}. */
export interface LoadTeacherOptions extends GraphTeacherOptions {
  /** Classes of layers by name, for layers of a LayersModel that are not registered with tfjs. @default none */
  readonly customObjects?: serialization.ConfigDict | undefined;
  /**
   * `loadGraphModel` of `@tensorflow/tfjs-converter`. A page needs it for GraphModels: only what it imports itself is bundled.
   * @default imported from that package
   */
  readonly loadGraphModel?: LoadGraphModel | undefined;
  /** Told how much has come from the web, 0–1. @default none */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** Stops waiting for the model. @default none */
  readonly signal?: AbortSignal | undefined;
}

type Optional =
  'preprocessing' | 'name' | 'labels' | 'classes' | 'inputShape' | 'output' | 'customObjects' | 'loadGraphModel' | 'onProgress' | 'signal';

/** The options of {@link loadTeacher}. */
export const loadTeacherSchema: OptionsSchema<Settled<LoadTeacherOptions, Optional>> = {
  where: WHERE,
  fields: {
    ...graphTeacherSchema.fields,
    customObjects: absentMeans(
      custom<serialization.ConfigDict>('an object of classes by name', (value) =>
        typeof value === 'object' && value !== null ? undefined : 'kind',
      ),
      'none',
    ),
    loadGraphModel: absentMeans(callback<LoadGraphModel>(), 'imported from that package'),
    onProgress: absentMeans(callback<(fraction: number) => void>(), 'none'),
    signal: signalField,
  },
};

/** A teacher with a model of its own. */
export interface LoadedTeacher extends Teacher {
  /** Frees the model. Safe to call twice. */
  dispose(): void;
}

/**
 * Loads a tfjs model, LayersModel or GraphModel, as a teacher. Models of Keras are translated as `loadLayersModelFromFiles`
 * does, wherever they come from. A GraphModel needs the package `@tensorflow/tfjs-converter`.
 *
 * @param from A folder or its model.json (Node: a path, `file://…`, a URL object), `http(s)://…/model.json`, `indexeddb://name`,
 *   `localstorage://name`, or the Files that somebody has chosen in a page, model.json first.
 * @returns The teacher, which owns its model: `dispose()` frees it.
 * @throws {TypeError | RangeError} If `from` is none of these, or an option is wrong.
 * @throws {ModelFileError} If there is no model, it is damaged, or cannot be computed as it was meant; nothing stays allocated.
 * @throws {UnsupportedModelError} If it is no image classifier that can be read.
 * @example
 * const teacher = await loadTeacher('https://example.org/classifier/model.json', {preprocessing: 'tf'});
 * const distiller = await AttentiveDistiller.create({teacher});
 */
export async function loadTeacher(from: string | URL | readonly File[], options?: LoadTeacherOptions): Promise<LoadedTeacher> {
  const {customObjects, loadGraphModel, onProgress, signal, output, ...rest} = readOptions(loadTeacherSchema, options);
  checkClasses(WHERE, customObjects);
  signal?.throwIfAborted();
  const {name, kind, artifacts} = await untilAborted(artifactsOf(from, onProgress, signal), signal);
  if (kind === 'graph-model') {
    const graph = await graphModelFromArtifacts(name, artifacts, loadGraphModel);
    return owning(
      () => graph.dispose(),
      () => teacherFromGraphModel(graph, {...rest, output}),
    );
  }
  if (output !== undefined)
    throw new TypeError(`${WHERE}: output names a node of a GraphModel, but ${name} is a LayersModel. Leave it out.`);
  const model = await layersModelFromArtifacts(name, translateKeras(name, artifacts), customObjects);
  return owning(
    () => disposeModel(model),
    () => teacherFromLayersModel(model, rest),
  );
}

/** A teacher that frees its model, which is freed as well where it cannot be made. */
function owning(free: () => void, make: () => Teacher): LoadedTeacher {
  let isFree = false;
  const dispose = (): void => {
    if (!isFree) free();
    isFree = true;
  };
  try {
    // The teacher itself, not a copy: others know it.
    return Object.assign(make(), {dispose});
  } catch (error) {
    dispose();
    throw error;
  }
}

interface Source {
  /** For messages. */
  readonly name: string;
  readonly kind: ReturnType<typeof modelKind>;
  readonly artifacts: io.ModelArtifacts;
}

async function artifactsOf(
  from: string | URL | readonly File[],
  onProgress?: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<Source> {
  const isUrl = from instanceof URL;
  if (typeof from !== 'string' && !isUrl && !isFiles(from)) {
    throw new TypeError(`${WHERE}: from must be a path, a URL or the Files of a model, but is ${show(from)}.`);
  }
  if (isFiles(from)) return loaded('the files', io.browserFiles([...from]));
  // In a page, what has no scheme is relative to it.
  const text = String(isNode() ? from : new URL(from, document.baseURI));
  const scheme = schemeOf(text);
  if (scheme === undefined || scheme === 'file') {
    const {file, kind, artifacts} = await readModelFiles(from, WHERE);
    return {name: file, kind, artifacts};
  }
  refuseKerasFile(text);
  const settings = {...(onProgress && {onProgress}), ...(signal && {requestInit: {signal}})};
  const [handler] = loadHandlersFor(text, settings);
  if (handler?.load === undefined)
    throw new RangeError(
      `${WHERE}: nothing can be loaded from ${show(text)}; use a path, file://, http(s)://, indexeddb:// or localstorage://.`,
    );
  return loaded(text, handler);
}

async function loaded(name: string, handler: io.IOHandler): Promise<Source> {
  let artifacts: io.ModelArtifacts;
  try {
    artifacts = await (handler.load as NonNullable<io.IOHandler['load']>)();
  } catch (cause) {
    throw new ModelFileError(`${WHERE}: loading ${name} failed: ${(cause as Error).message}. Check the address.`, {cause});
  }
  if (typeof artifacts.modelTopology !== 'object')
    throw new ModelFileError(`${WHERE}: ${name} holds no model; give the address of a model.json.`);
  return {name, kind: modelKind(artifacts), artifacts};
}

function isFiles(from: unknown): from is readonly File[] {
  const isList = Array.isArray(from) || (typeof FileList !== 'undefined' && from instanceof FileList);
  return (
    isList &&
    !isPromise(from) &&
    [...(from as readonly unknown[])].every((each) => each instanceof Blob) &&
    (from as readonly unknown[]).length > 0
  );
}
