/** The two places that the states of a training are written to in turns. */
import type {io} from '@tensorflow/tfjs-core';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {loadArtifacts, saveArtifacts} from '../../files/artifact-store.js';

/** A state as it is stored. */
export interface StoredState {
  readonly url: string;
  readonly artifacts: io.ModelArtifacts;
  /** Goes up with every state that is written to a URL, also from one run to the next. */
  readonly serial: number;
}

/** Where the state of a serial number is stored. */
function checkpointPlace(url: string, serial: number): string {
  return `${url}${url.startsWith('file:') ? '/' : '-'}state-${serial % 2}`;
}

/**
 * Loads the newest state that is whole.
 *
 * @throws {ModelFileError} If there is none.
 */
export async function newestCheckpoint(where: string, url: string): Promise<StoredState> {
  const {found, problems} = await statesAt(where, url);
  const [newest] = found;
  if (newest !== undefined) return newest;
  throw new ModelFileError(`${where}: no state of a training lies at ${url}: ${problems.join(' ')}`);
}

/** Makes what writes one state after the other. `pack` is told the number that the state has to hold as `training.serial`. */
export async function checkpointWriter(
  where: string,
  url: string,
): Promise<(pack: (serial: number) => Promise<io.ModelArtifacts>) => Promise<void>> {
  let serial = ((await statesAt(where, url)).found[0]?.serial ?? -1) + 1;
  return async (pack) => {
    await saveArtifacts(where, checkpointPlace(url, serial), await pack(serial));
    serial++;
  };
}

async function statesAt(where: string, url: string): Promise<{found: StoredState[]; problems: string[]}> {
  const found: StoredState[] = [];
  const problems: string[] = [];
  for (const parity of [0, 1]) {
    const place = checkpointPlace(url, parity);
    try {
      const artifacts = await loadArtifacts(where, place);
      const {training} = (artifacts.userDefinedMetadata ?? {}) as {training?: {serial?: number}};
      if (training?.serial === undefined) problems.push(`${place} holds a save, but no training under way.`);
      else found.push({url: place, artifacts, serial: training.serial});
    } catch (error) {
      if (!(error instanceof ModelFileError)) throw error;
      problems.push(error.message);
    }
  }
  return {found: found.sort((a, b) => b.serial - a.serial), problems};
}
