/**
 * What the numbers that a model gives are made of, where no activation closes it: real numbers, which count as logits, or
 * probabilities that were merged, pooled or scaled after their softmax or sigmoid. Looks at everything between the output
 * and the layers with weights that come before it: taken for logits, probabilities would be squashed twice.
 */
import {at} from '../../core/at.js';
import {isOfKind} from './layer-kinds.js';
import type {GraphPlan, Step} from './plan.js';

/** What a value is. */
export interface HeadValue {
  /** `'real'`: any numbers. `'softmax'`: distributions over the classes. `'sigmoid'`: a probability each. */
  readonly kind: 'real' | 'softmax' | 'sigmoid';
  /** What they were multiplied by. */
  readonly scale: number;
}

type Refuse = (reason: string) => never;

const real: HeadValue = {kind: 'real', scale: 1};

/**
 * Finds out what a value of a plan is.
 *
 * @param numClasses The width of the model's output.
 * @param refuse Called with a reason where probabilities went through something that leaves none.
 */
export function headValue(plan: GraphPlan, slot: number, numClasses: number, refuse: Refuse): HeadValue {
  const step = plan.steps.find(({outputs}) => outputs.includes(slot));
  if (step === undefined) return real;
  const closing = closingActivation(step);
  if (closing !== undefined) {
    const isOverClasses = closing === 'sigmoid' || (step.outputShape.at(-1) === numClasses && isOverLast(step));
    return {kind: closing, scale: isOverClasses ? 1 : NaN};
  }
  if (isWeighted(step)) return real;
  const values = step.inputs.map((input) => headValue(plan, input, numClasses, refuse));
  if (values.every(({kind}) => kind === 'real')) return real;
  const merged = mergedValue(step, values);
  if (typeof merged !== 'string' && !Number.isNaN(merged.scale)) return merged;
  const what = values.find(({kind}) => kind !== 'real')?.kind ?? 'softmax';
  const reason = typeof merged === 'string' ? merged : `changes which numbers belong together`;
  return refuse(
    `${step.className} '${step.path}' comes after a ${what} and ${reason}, so that the output is neither probabilities nor logits`,
  );
}

/** The squashing activation that a step ends in. */
function closingActivation({layer, className}: Step): 'softmax' | 'sigmoid' | undefined {
  if (className === 'Softmax') return 'softmax';
  const {activation} = layer.getConfig();
  return activation === 'softmax' || activation === 'sigmoid' ? activation : undefined;
}

/** Whether a softmax runs over the last axis. */
function isOverLast({layer, className, outputShape}: Step): boolean {
  const axis = className === 'Softmax' ? Number([layer.getConfig()['axis'] ?? -1].flat()[0]) : -1;
  return axis === -1 || axis === outputShape.length - 1;
}

/** Whether a layer computes with weights of its own, so that what it gives is no probability any more. */
export function isWeighted({layer, className}: Step): boolean {
  return layer.weights.length > 0 && !['BatchNormalization', 'LayerNormalization', 'KerasGroupNormalization', 'PReLU'].includes(className);
}

/** What comes out of a step without weights, or why that cannot be told. */
function mergedValue(step: Step, values: readonly HeadValue[]): HeadValue | string {
  const {className} = step;
  const [first] = values as [HeadValue];
  const isAlone = values.length === 1;
  if (isAlone && (isOfKind(className, 'dropping') || isLinearActivation(step))) return first;
  if (isAlone && isOfKind(className, 'reshaping')) return reshaped(step, first);
  if (isOfKind(className, 'averaging')) return averaged(values);
  if (className === 'Rescaling') return rescaled(step, first);
  if (className === 'KerasArithmetic' && isAlone) return calculated(step, first);
  const kinds = new Set(values.map(({kind}) => kind));
  // What is weighed by probabilities is none.
  if (kinds.has('real') && ['Multiply', 'Dot'].includes(className)) return real;
  const areSigmoids = kinds.size === 1 && kinds.has('sigmoid');
  if (className === 'Add')
    return kinds.size > 1 || areSigmoids
      ? 'adds it to something'
      : {kind: 'softmax', scale: values.reduce((sum, {scale}) => sum + scale, 0)};
  // Products, maxima and minima of probabilities are probabilities, but those of distributions do not sum to 1.
  if (areSigmoids && className === 'Multiply') return {kind: 'sigmoid', scale: values.reduce((product, {scale}) => product * scale, 1)};
  const areAlike = areSigmoids && values.every(({scale}) => scale === first.scale);
  if (
    areAlike &&
    ['Maximum', 'Minimum', 'Concatenate', 'GlobalMaxPooling2D', 'KerasGlobalMaxPooling2D', 'MaxPooling2D'].includes(className)
  )
    return first;
  return isAlone ? 'changes it' : 'joins it with something';
}

function isLinearActivation({layer, className}: Step): boolean {
  return className === 'Activation' && layer.getConfig()['activation'] === 'linear';
}

/** The classes have to stay together. */
function reshaped({outputShape}: Step, value: HeadValue): HeadValue {
  const isRow = outputShape.slice(1, -1).every((size) => size === 1);
  return value.kind === 'sigmoid' || isRow || outputShape.length > 2 ? value : {...value, scale: NaN};
}

function averaged(values: readonly HeadValue[]): HeadValue | string {
  const [{kind}] = values as [HeadValue];
  if (values.some((value) => value.kind !== kind)) return 'averages it with something else';
  return {kind, scale: values.reduce((sum, {scale}) => sum + scale, 0) / values.length};
}

function rescaled({layer}: Step, {kind, scale}: HeadValue): HeadValue | string {
  const {scale: factor, offset} = layer.getConfig() as {scale?: unknown; offset?: unknown};
  if (typeof factor !== 'number' || (offset ?? 0) !== 0 || !(factor > 0)) return 'shifts it';
  return {kind, scale: scale * factor};
}

function calculated({layer}: Step, {kind, scale}: HeadValue): HeadValue | string {
  const {operation, constant, constantFirst} = layer.getConfig() as {operation: string; constant: number; constantFirst: boolean};
  if (operation === 'multiply' && constant > 0) return {kind, scale: scale * constant};
  if (operation === 'divide' && !constantFirst && constant > 0) return {kind, scale: scale / constant};
  // 1 − p is the probability of the other side.
  if (operation === 'subtract' && constantFirst && kind === 'sigmoid' && constant === scale) return {kind, scale};
  return `calculates ${operation} with ${at([constant], 0)}`;
}
