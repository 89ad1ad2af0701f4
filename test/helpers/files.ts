/**
 * The files that tests read: expected numbers, pretrained models, photographs. In Node they come from
 * the disk, in a browser from the server of the test runner, which offers the same folders.
 */
import {loadLayersModel, type LayersModel} from '@tensorflow/tfjs-layers';
import {inBrowser, setting} from './environment.js';

const root = setting('AKD_ROOT') ?? `${import.meta.dirname}/../..`;

/** Models and photographs, which are never part of the repository. */
export const dataFolder: string = setting('AKD_DATA') ?? `${root}/../shared/data`;

/** Where expected numbers lie, the first that has them. */
export const goldenFolders: readonly string[] = [setting('AKD_GOLDENS'), `${root}/test/golden`, `${root}/../shared/goldens`].filter(
  (folder) => folder !== undefined,
);

/** The bytes of a file, or undefined where there is none. */
export async function readBytes(path: string): Promise<ArrayBuffer | undefined> {
  if (inBrowser) {
    const response = await fetch(address(path));
    return response.ok ? response.arrayBuffer() : undefined;
  }
  const {existsSync, readFileSync} = await import('node:fs');
  return existsSync(path) ? new Uint8Array(readFileSync(path)).buffer : undefined;
}

/** A model of `dataFolder`, or undefined where it is not there; the caller disposes it. */
export async function loadDataModel(name: string): Promise<LayersModel | undefined> {
  const folder = `${dataFolder}/models/${name}`;
  if ((await readBytes(`${folder}/model.json`)) === undefined) return undefined;
  if (inBrowser) return loadLayersModel(address(`${folder}/model.json`));
  const {loadLayersModelFromFiles} = await import('../../src/node/index.js');
  return loadLayersModelFromFiles(folder);
}

function address(path: string): string {
  return new URL(`/raw${path}`, location.href).href;
}
