/** Lets a test in the page see what its browser has downloaded. */
import {readFile} from 'node:fs/promises';
import type {Download} from 'playwright';
import type {BrowserCommand} from 'vitest/node';

/** A downloaded file. */
export interface DownloadedFile {
  readonly name: string;
  readonly base64: string;
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** Waits for the next `count` downloads. Call it before they start. */
    downloads(count: number): Promise<DownloadedFile[]>;
  }
}

export const downloads: BrowserCommand<[count: number]> = async ({page}, count): Promise<DownloadedFile[]> => {
  const files: DownloadedFile[] = [];
  await new Promise<void>((resolve, reject) => {
    const take = (download: Download): void => {
      void download
        .path()
        .then(async (path) => files.push({name: download.suggestedFilename(), base64: await readFile(path, 'base64')}))
        .then((sofar) => {
          if (sofar < count) return;
          page.off('download', take);
          resolve();
        })
        .catch(reject);
    };
    page.on('download', take);
  });
  return files;
};
