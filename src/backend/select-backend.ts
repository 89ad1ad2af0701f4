/**
 * Puts tfjs on the fastest backend that works here, and says why the faster ones do not. A backend that
 * is already in use is left alone: the caller's tensors are on it.
 */
import {add, findBackendFactory, setBackend, tensor1d, tidy} from '@tensorflow/tfjs-core';
import {BackendError} from '../core/errors/backend-error.js';
import {boolean, list, oneOf, withDefault} from '../core/fields.js';
import {oneLine} from '../core/import-optional.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {backendInUse} from '../tfjs/backend-in-use.js';
import {installTrainingKernels} from '../tfjs/install-training-kernels.js';
import {checkTfjsVersion} from '../tfjs/tfjs-version.js';
import {withoutNewListeners} from '../tfjs/wasm/listeners.js';
import {candidates, type BackendName, type Candidate, type Provided} from './candidates.js';

export type {BackendName};

/** Options of {@link selectBackend}. */
export interface SelectBackendOptions {
  /**
   * The backends to try, in this order, and no others. A backend in use is then kept only if it is
   * one of them.
   * @default ['tfjs-node-gpu', 'webgpu', 'webgl', 'tfjs-node', 'wasm', 'cpu']
   */
  readonly prefer?: readonly BackendName[] | undefined;
  /**
   * Takes a GPU's backend also where it computes on the processor: WebGL or WebGPU on SwiftShader or
   * llvmpipe, TensorFlow for CUDA without a card. For tests; wasm and tfjs-node are faster. @default false
   */
  readonly allowSoftware?: boolean | undefined;
}

const WHERE = 'selectBackend';
const names: readonly BackendName[] = candidates.map(({name}) => name);

/** The options of {@link selectBackend}. */
export const selectBackendSchema: OptionsSchema<Settled<SelectBackendOptions>> = {
  where: WHERE,
  fields: {
    prefer: withDefault(list<BackendName>(oneOf(...names), 1), names),
    allowSoftware: withDefault(boolean(), false),
  },
};

/** A backend that was tried and not taken. */
export interface UnavailableBackend {
  /** The backend that cannot be used. */
  readonly name: BackendName;
  /** One line: what is missing, and where it helps, what to install. */
  readonly reason: string;
}

/** What {@link selectBackend} did. */
export interface BackendSelection {
  /** The backend in use, as `tf.getBackend()` names it (`tensorflow` for both native packages). */
  readonly backend: string;
  /** Whether it was in use before the call. */
  readonly kept: boolean;
  /** The GPU, as its driver names it; undefined where none is used, its backend does not say, or `kept`. */
  readonly adapter?: string | undefined;
  /** The backends that come before it in the order, each with the reason why it was not taken. */
  readonly unavailable: readonly UnavailableBackend[];
}

/**
 * Selects the fastest backend that works, a GPU where there is one, and installs the training kernels for it.
 *
 * A backend counts as in use once `tf.setBackend` was called or anything was computed; importing a
 * backend's package does not suffice. Each candidate is imported when its turn comes (not at all where
 * its factory is registered), asked for its GPU if it is one for GPUs, started, and asked for a sum. After that comes
 * {@link installTrainingKernels}. The rethrowing process-wide listeners that the wasm backend adds in
 * Node are removed again.
 *
 * @throws {TypeError} If an option is unknown or of the wrong kind.
 * @throws {RangeError} If `prefer` is empty or names something else than a {@link BackendName}.
 * @throws {BackendError} If no candidate works; the message holds every reason. A backend that was
 *   in use before is then in use again. Also if tfjs is of another minor version than 4.22.
 *
 * @example
 * ```ts
 * const {backend, unavailable} = await selectBackend();
 * console.log(backend, unavailable.map(({name, reason}) => `${name}: ${reason}`));
 * ```
 */
export async function selectBackend(options?: SelectBackendOptions): Promise<BackendSelection> {
  const {prefer, allowSoftware} = readOptions(selectBackendSchema, options);
  checkTfjsVersion(WHERE);
  const wanted = prefer.map((name) => candidates.find((each) => each.name === name) as Candidate);

  const current = await backendInUse();
  const isWanted = ({engineName, missingGpu}: Candidate): boolean =>
    engineName === current && (allowSoftware || missingGpu?.() === undefined);
  if (current !== undefined && (options?.prefer === undefined || wanted.some(isWanted))) {
    installTrainingKernels();
    return {backend: current, kept: true, unavailable: []};
  }
  const unavailable: UnavailableBackend[] = [];
  for (const candidate of wanted) {
    const {adapter, reason} = await tryCandidate(candidate, allowSoftware);
    if (reason === undefined) return {backend: candidate.engineName, kept: false, adapter, unavailable};
    unavailable.push({name: candidate.name, reason});
  }
  if (current !== undefined) await setBackend(current);
  const reasons = unavailable.map(({name, reason}) => `\n- ${name}: ${reason}`);
  throw new BackendError(`${WHERE}: none of ${unavailable.length} backends works.${reasons.join('')}`);
}

/** Brings a backend into use, able to train. */
async function tryCandidate({engineName, load, alwaysLoad, missingGpu}: Candidate, allowSoftware: boolean): Promise<Provided> {
  const provided = alwaysLoad || findBackendFactory(engineName) == null ? await load(allowSoftware) : {};
  const reason = provided.reason ?? (await start(engineName)) ?? (allowSoftware ? undefined : missingGpu?.());
  return {...provided, reason};
}

/** Starts a backend. Returns a reason when that fails. */
async function start(engineName: string): Promise<string | undefined> {
  try {
    const started = await withoutNewListeners(() => setBackend(engineName));
    if (!started) return 'It did not start; tfjs has logged why.';
    // Before the first operation, which tfjs-node could not do otherwise on Node.js 23 and later.
    installTrainingKernels();
    // Some fail with the first operation only, for want of a driver or of a part of their host.
    const sum = tidy(() => add(tensor1d([1]), tensor1d([2])));
    const [three] = await sum.data();
    sum.dispose();
    return three === 3 ? undefined : `It computes 1 + 2 = ${String(three)}.`;
  } catch (error) {
    return `It does not work: ${oneLine(error)}`;
  }
}
