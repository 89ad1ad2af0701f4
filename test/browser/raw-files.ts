/**
 * Lets the test server give files as they are. By itself it takes what has no ending for a module, and
 * changes it; and shards of models often have none.
 */
import sirv from 'sirv';
import type {Plugin} from 'vitest/config';

/** Serves folders under `/raw` and their own path. */
export function rawFiles(folders: readonly string[]): Plugin {
  return {
    name: 'raw-files',
    configureServer: ({middlewares}) => {
      for (const folder of folders) middlewares.use(`/raw${folder}`, sirv(folder, {dev: true, etag: false}));
    },
  };
}
