/**
 * Which tfjs this library works with. It mends and replaces inner parts of one minor version; with another one it
 * might compute something else without a word, so that it refuses to compute at all.
 */
import {version_core} from '@tensorflow/tfjs-core';
import {BackendError} from '../core/errors/backend-error.js';
import {registeredClass} from './registered-class.js';

/** Major and minor version that are needed. */
const NEEDED = '4.22';

/** The versions of the packages that are loaded. */
export interface TfjsVersions {
  readonly core: string;
  /** Undefined where tf.layers is not loaded, or does not say it. */
  readonly layers?: string | undefined;
}

/**
 * Checks that the tfjs that is loaded is the one that this library knows.
 *
 * @param where Names the caller in the message.
 * @param versions For tests; those that are loaded otherwise.
 * @throws {BackendError} If it is another one; says which is there, which is needed and what to install.
 */
export function checkTfjsVersion(where: string, versions?: TfjsVersions): void {
  const problem = tfjsVersionProblem(versions);
  if (problem !== undefined) throw new BackendError(`${where}: ${problem}`);
}

/** What is wrong with the versions, and what to install; undefined where nothing is. */
export function tfjsVersionProblem({core, layers = core}: TfjsVersions = loadedVersions()): string | undefined {
  const wrong = Object.entries({core, layers}).filter(([, version]) => !version.startsWith(`${NEEDED}.`));
  if (wrong.length === 0) return undefined;
  const found = wrong.map(([name, version]) => `@tensorflow/tfjs-${name} ${version}`).join(' and ');
  const packages = ['core', 'layers'].map((name) => `@tensorflow/tfjs-${name}@~${NEEDED}.0`).join(' ');
  return `${found} cannot be used, ${NEEDED} is needed. Install it, and the same version of every backend: npm install ${packages}`;
}

function loadedVersions(): TfjsVersions {
  return {core: version_core, layers: layersVersion()};
}

/** Without importing tf.layers, which an application may do without: models write its version into what they save. */
function layersVersion(): string | undefined {
  const saver = registeredClass('Model')?.prototype as {updatedConfig?: (this: object) => {kerasVersion?: string}} | undefined;
  const {kerasVersion} = saver?.updatedConfig?.call({getConfig: () => ({}), getClassName: () => 'Model'}) ?? {};
  return kerasVersion?.replace('tfjs-layers ', '');
}
