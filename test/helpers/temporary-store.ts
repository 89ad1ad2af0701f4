/** Where a test saves: a folder of its own in Node, the page's database in a browser. */
import {io} from '@tensorflow/tfjs-core';
import {inBrowser} from './environment.js';

/** Addresses for saving. */
export interface TemporaryStore {
  readonly url: (name: string) => string;
  /** Whether anything lies at the address. */
  readonly has: (name: string) => Promise<boolean>;
  readonly remove: () => Promise<void>;
}

/** Makes an empty store. */
export async function temporaryStore(): Promise<TemporaryStore> {
  return inBrowser ? inDatabase() : inFolder();
}

async function inFolder(): Promise<TemporaryStore> {
  const {existsSync, mkdtempSync, rmSync} = await import('node:fs');
  const {tmpdir} = await import('node:os');
  const folder = mkdtempSync(`${tmpdir()}/store-`);
  return {
    url: (name) => `file://${folder}/${name}`,
    has: (name) => Promise.resolve(existsSync(`${folder}/${name}`)),
    remove: () => Promise.resolve(rmSync(folder, {recursive: true})),
  };
}

function inDatabase(): TemporaryStore {
  const url = (name: string): string => `indexeddb://${name}`;
  return {
    url,
    has: async (name) => Object.keys(await io.listModels()).some((each) => each.startsWith(url(name))),
    remove: async () => {
      for (const each of Object.keys(await io.listModels())) await io.removeModel(each);
    },
  };
}
