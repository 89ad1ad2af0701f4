/** Keeps the maps of a slow explainer on disk, so that a measurement goes on where it was stopped. */
import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Tensor} from '@tensorflow/tfjs-core';
import type {Explainer, SaliencyMap} from '../src/index.js';
import {writeWhole} from './kept.js';

/** The same explainer for one image `[1,H,W,C]` and one class at a time, with its maps kept in `folder`. */
export function cachedExplainer(explainer: Explainer, folder: string): Explainer {
  return {
    method: explainer.method,
    explain: async (images, options = {}) => {
      const {target} = options;
      if (!(images instanceof Tensor) || typeof target !== 'number') return explainer.explain(images, options);
      const pixels = await images.data<'float32'>();
      const file = join(folder, `${createHash('sha256').update(pixels).digest('hex').slice(0, 16)}-${target}.json`);
      if (existsSync(file)) return [revived(await readFile(file, 'utf8'))];
      const maps = await explainer.explain(images, options);
      await writeWhole(
        file,
        JSON.stringify(maps[0], (_, value: unknown) => (value instanceof Float32Array ? encoded(value) : value)),
      );
      return maps;
    },
  };
}

function encoded(data: Float32Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

function revived(text: string): SaliencyMap {
  const map = JSON.parse(text) as Omit<SaliencyMap, 'data'> & {data: string};
  const bytes = Uint8Array.from(Buffer.from(map.data, 'base64'));
  return {...map, data: new Float32Array(bytes.buffer)};
}
