/**
 * Asks the current backend to do, on a few numbers, what a task is made of, and says what is missing.
 * Every method asks before it starts, so that a user reads what to install and not which kernel some
 * engine did not find.
 */
import {
  add,
  backend,
  dispose,
  getBackend,
  grad,
  mul,
  ready,
  sub,
  sum,
  tensor,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {checkOneOf} from '../core/check.js';
import {BackendError} from '../core/errors/backend-error.js';
import {oneLine} from '../core/import-optional.js';
import {disposeAbandonedTape} from '../tfjs/abandoned-tape.js';
import {backendInUse} from '../tfjs/backend-in-use.js';
import {checkTfjsVersion} from '../tfjs/tfjs-version.js';
import {withoutNewListeners} from '../tfjs/wasm/listeners.js';
import {probeInput, probes, spread, trainingProbes, type Probe} from './_probes.js';
import {adviceFor} from './backend-failure.js';

/**
 * What a backend is asked for. `'black-box'`: scores and explanations without any gradient (RISE, LIME,
 * insertion, deletion, `explain`); `'grad-cam'`: gradients with respect to features and images;
 * `'train'`: gradients with respect to weights as well.
 */
export type BackendTask = 'black-box' | 'grad-cam' | 'train';

/** Something that does not work. */
export interface MissingCapability {
  /** The computation: `'convolution'`, `'max pooling'`, … */
  readonly name: string;
  /** One line: what the backend said, or how wrong the result is. */
  readonly reason: string;
}

/** The answer of {@link checkBackend}. */
export interface BackendReport {
  /** The backend in use, as `tf.getBackend()` names it; `'none'` where none is. */
  readonly backend: string;
  /** What was tried. */
  readonly task: BackendTask;
  /** Whether everything works. */
  readonly ok: boolean;
  /** What does not work; empty where `ok`. */
  readonly missing: readonly MissingCapability[];
  /** What to do about it, one line; empty where `ok`. */
  readonly advice: string;
}

const tasks: readonly BackendTask[] = ['black-box', 'grad-cam', 'train'];
// Gradients in 16-bit floats, which some phones have, are about this exact.
const TOLERANCE = 0.1;
const STEP = 1 / 64;
const NONE = 'none';

/**
 * Probes the backend in use: runs the operations that a task needs and compares their gradients with
 * differences. Takes some milliseconds; on a GPU also the time to compile a few dozen programs. A
 * model may have layers beyond these. Where none is in use yet, tfjs takes the best of those that were
 * imported, as it does before the first operation.
 *
 * @throws {TypeError | RangeError} If `task` is none of the three.
 * @throws {BackendError} If tfjs is of another minor version than 4.22, with which nothing here computes.
 * @example
 * const {ok, missing, advice} = await checkBackend('train');
 * if (!ok) console.log(missing.map(({name}) => name).join(', '), advice);
 */
export async function checkBackend(task: BackendTask): Promise<BackendReport> {
  checkOneOf('checkBackend: task', task, tasks);
  checkTfjsVersion('checkBackend');
  if (!(await hasBackend())) {
    return {
      backend: NONE,
      task,
      ok: false,
      missing: [{name: 'a backend', reason: 'no tfjs backend is in use, and none that was imported starts'}],
      advice: 'Call await selectBackend() first.',
    };
  }
  const name = getBackend();
  const missing: MissingCapability[] = [];
  for (const probe of task === 'train' ? [...probes, ...trainingProbes] : probes) {
    const reason = await failureOf(probe, task !== 'black-box' && probe.differentiated);
    if (reason !== undefined) missing.push({name: probe.name, reason});
  }
  const ok = missing.length === 0;
  return {backend: name, task, ok, missing, advice: ok ? '' : adviceFor(name, task !== 'black-box')};
}

const passed = new WeakMap<object, Set<BackendTask>>();

/**
 * Makes sure that tfjs is of the version that is known here, and that the backend in use can do a task; asks it once.
 *
 * @throws {BackendError} If not; the message says what is missing and what to do.
 */
export async function requireBackend(where: string, task: BackendTask): Promise<void> {
  checkTfjsVersion(where);
  const known = (await hasBackend()) ? passedBy(backend()) : undefined;
  if (known?.has(task)) return;
  const report = await checkBackend(task);
  if (!report.ok) {
    if (report.backend === NONE) throw new BackendError(`${where}: ${report.missing[0]?.reason}. ${report.advice}`);
    const list = report.missing.map(({name, reason}) => `\n- ${name}: ${reason}`).join('');
    throw new BackendError(`${where}: the backend '${report.backend}' cannot do what is needed (task '${task}'). ${report.advice}${list}`);
  }
  known?.add(task);
}

function passedBy(inUse: object): Set<BackendTask> {
  const known = passed.get(inUse) ?? new Set();
  passed.set(inUse, known);
  return known;
}

/** Whether tfjs has a backend to compute on: the one in use, or what it takes itself of those that were imported. */
async function hasBackend(): Promise<boolean> {
  if ((await backendInUse()) !== undefined) return true;
  return withoutNewListeners(() => ready()).then(
    () => true,
    () => false,
  );
}

/** Runs a probe; returns what is wrong. */
async function failureOf({compute}: Probe, differentiate: boolean): Promise<string | undefined> {
  const loss = (x: Tensor): Scalar =>
    tidy(() => {
      const y = compute(x as Tensor4D);
      return sum(mul(y, tensor(spread(y.size), y.shape)));
    });
  let results: Tensor[] = [];
  try {
    results = tidy(() => {
      const x = probeInput();
      const direction = tensor(spread(32).reverse(), [1, 4, 4, 2]);
      if (!differentiate) return [loss(x)];
      const slope = sum(mul(grad(loss)(x), direction));
      const [above, below] = [loss(add(x, mul(direction, STEP))), loss(sub(x, mul(direction, STEP)))];
      return [slope, above, below];
    });
    const [value = NaN, above = 0, below = 0] = await Promise.all(results.map(async (each) => at(await each.data(), 0)));
    if (!Number.isFinite(value)) return `gives ${value}`;
    if (!differentiate) return undefined;
    const expected = (above - below) / (2 * STEP);
    const wrong = Math.abs(value - expected) > TOLERANCE * (1 + Math.abs(expected));
    return wrong ? `has the slope ${value.toPrecision(4)}, where differences give ${expected.toPrecision(4)}` : undefined;
  } catch (error) {
    disposeAbandonedTape();
    return oneLine(error);
  } finally {
    dispose(results);
  }
}
