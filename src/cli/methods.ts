/** The explainers by the names of the command line. */
import {classActivationMapExplainer} from '../baselines/cam/class-activation-map.js';
import {gradCamExplainer} from '../baselines/cam/grad-cam.js';
import {scoreCamExplainer} from '../baselines/cam/score-cam.js';
import {camVariants} from '../baselines/cam/variant.js';
import {gradientSaliencyExplainer} from '../baselines/gradient/gradient-saliency.js';
import {integratedGradientsExplainer} from '../baselines/gradient/integrated-gradients.js';
import {smoothGradExplainer} from '../baselines/gradient/smooth-grad.js';
import {limeExplainer} from '../baselines/lime/lime.js';
import {meaningfulPerturbationExplainer} from '../baselines/perturbation/meaningful-perturbation.js';
import {occlusionExplainer} from '../baselines/perturbation/occlusion.js';
import {randomExplainer} from '../baselines/random/random-explainer.js';
import {riseExplainer} from '../baselines/rise/rise.js';
import {readOptions, nearest} from '../core/options.js';
import type {Explainer, Teacher} from '../core/types.js';
import {explainSchema, type ExplainOptions} from '../distiller/explain/explain.js';
import {describeTeacher, type TeacherUse} from '../models/describe-teacher.js';
import {CommandError, exitCodes} from './exit-code.js';
import type {MethodFlags} from './flags.js';
import {howToDistil, type OpenModel} from './open-model.js';

/** Options of a method as `--set` gives them. */
type Settings = Readonly<Record<string, unknown>>;

interface Method {
  /** What it asks of a model; absent: a saved explainer. */
  readonly needs?: TeacherUse;
  /** Whether threads can share its work. */
  readonly threads?: true;
  /** Whether it works on one image after the other, and may draw by the place of an image in the call. */
  readonly single?: true;
  /** Whether it asks the model a hundred times and more for an image. */
  readonly slow?: true;
  readonly make: (teacher: Teacher, settings: Settings) => Explainer;
}

/** The name of the distilled explainer. */
export const OURS = 'ours';

const methods: Readonly<Record<string, Method>> = {
  ...Object.fromEntries(
    camVariants.map((variant): [string, Method] => [
      variant,
      {needs: 'layers', make: (teacher, settings) => gradCamExplainer(teacher, {variant, ...settings})},
    ]),
  ),
  'score-cam': {needs: 'layers', slow: true, make: scoreCamExplainer},
  cam: {needs: 'layers', make: classActivationMapExplainer},
  gradient: {needs: 'gradients', make: gradientSaliencyExplainer},
  'smooth-grad': {needs: 'gradients', single: true, slow: true, make: smoothGradExplainer},
  'integrated-gradients': {needs: 'gradients', slow: true, make: integratedGradientsExplainer},
  'meaningful-perturbation': {needs: 'gradients', single: true, slow: true, make: meaningfulPerturbationExplainer},
  occlusion: {needs: 'scores', threads: true, single: true, slow: true, make: occlusionExplainer},
  rise: {needs: 'scores', threads: true, single: true, slow: true, make: riseExplainer},
  lime: {needs: 'scores', threads: true, single: true, slow: true, make: limeExplainer},
  random: {needs: 'scores', single: true, make: randomExplainer},
};

/** Every name. */
export const methodNames: readonly string[] = [OURS, ...Object.keys(methods)];

/** A method that was asked for. */
export interface ChosenMethod {
  readonly name: string;
  readonly explainer: Explainer;
  /** Whether it gets one image at a time, so that a map does not depend on the pictures around. */
  readonly single: boolean;
  /** The options that were given for it. */
  readonly settings: Settings;
}

/** The names in `--method`, if it is given. @throws {CommandError} If one is unknown. */
export function readMethodNames(text: string | undefined): readonly string[] | undefined {
  const names = text?.split(',').map((name) => name.trim());
  for (const name of names ?? []) if (!methodNames.includes(name)) throw unknown('--method', name, methodNames);
  return names && [...new Set(names)];
}

/**
 * Makes the explainers that were asked for.
 *
 * @param fallback The names where none are given.
 * @throws {CommandError} If a name or an option is unknown, or the model does not have what a method needs.
 */
export function chooseMethods(
  {method, set = [], workers}: Pick<MethodFlags, 'method' | 'set' | 'workers'>,
  model: OpenModel,
  fallback: readonly string[],
): ChosenMethod[] {
  const names = readMethodNames(method) ?? fallback;
  const settings = readSettings(set, names);
  const {uses} = describeTeacher(model.teacher);
  return names.map((name) => {
    const own = settings.get(name) ?? {};
    if (name === OURS) return {name, explainer: distilled(model, own), single: 'refine' in own, settings: own};
    const {needs = 'scores', threads, single = false, make} = methods[name] as Method;
    const {works, reason} = uses[needs];
    if (!works) throw new CommandError(`--method ${name}: ${reason} rise, lime and occlusion take every model.`);
    const explainer = checked(name, () => make(model.teacher, {...(threads && {workers}), ...own}));
    return {name, explainer, single, settings: own};
  });
}

/** What draws where no method is named: the best that there is. */
export function bestMethod({distiller, teacher}: OpenModel): string {
  if (distiller !== undefined) return OURS;
  return describeTeacher(teacher).uses.layers.works ? 'grad-cam' : 'rise';
}

/** The methods that the model can be explained by, but for chance: those that are done in no time, and the others. */
export function methodsFor({distiller, teacher}: OpenModel): {readonly quick: readonly string[]; readonly slow: readonly string[]} {
  const {uses} = describeTeacher(teacher);
  const able = Object.entries(methods).filter(
    ([name, {needs = 'scores'}]) => name !== 'random' && uses[needs].works && (name !== 'cam' || canPool(teacher)),
  );
  const named = (isSlow: boolean): string[] => able.filter(([, {slow = false}]) => slow === isSlow).map(([name]) => name);
  return {quick: [...(distiller === undefined ? [] : [OURS]), ...named(false)], slow: named(true)};
}

/** Whether the network ends in a mean over places and one linear map, as class activation maps need it. */
function canPool(teacher: Teacher): boolean {
  try {
    classActivationMapExplainer(teacher);
    return true;
  } catch {
    return false;
  }
}

function distilled({distiller, flags}: OpenModel, settings: Settings): Explainer {
  if (distiller === undefined) {
    throw new CommandError(
      `--method ${OURS} needs an explainer that was distilled (--explainer FOLDER). ${howToDistil('my-explainer', flags)}`,
    );
  }
  const {score = true} = checked(OURS, () => readOptions(explainSchema, settings));
  if (!score) throw new CommandError(`--set ${OURS}.score=false: class and score are part of every result.`);
  const own: ExplainOptions = settings;
  return {method: OURS, explain: (images, options) => distiller.explain(images, {...own, ...options})};
}

/** The options by method. */
function readSettings(texts: readonly string[], names: readonly string[]): Map<string, Settings> {
  const settings = new Map<string, Settings>();
  for (const text of texts) {
    const [, path = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    const method = names.find((name) => path.startsWith(`${name}.`)) ?? (names.length === 1 && !path.includes('.') ? names[0] : undefined);
    if (method === undefined) {
      const example = `--set ${names[0]}.batchSize=8`;
      throw new CommandError(`--set '${text}': it must be method.option=value, with one of the methods ${names.join(', ')}: ${example}.`);
    }
    const option = path.startsWith(`${method}.`) ? path.slice(method.length + 1) : path;
    settings.set(method, {...settings.get(method), [option]: plain(value)});
  }
  return settings;
}

/** A number, a list, true, as JSON has it; anything else is a text. */
function plain(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Makes an explainer; what it refuses is the fault of a flag. */
function checked<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    throw new CommandError(`--set for ${name}: ${cause.message}`, exitCodes.usage, {cause});
  }
}

/** An error for a name that is none of the known ones. */
export function unknown(flag: string, name: string, known: readonly string[]): CommandError {
  const near = nearest(name, known);
  return new CommandError(
    `${flag}: there is no '${name}'. ${near === undefined ? `There are ${known.join(', ')}.` : `Did you mean '${near}'?`}`,
  );
}
