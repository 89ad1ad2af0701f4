/** Insertion, deletion and intensity of many pictures, a few at a time, each kept on disk as soon as it is there. */
import {join} from 'node:path';
import {compare, type Explainer, type Teacher} from '../src/index.js';
import {at} from '../src/core/at.js';
import {Random} from '../src/core/random.js';
import {meanOf, type MeanOf} from '../src/metrics/mean-of.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {kept} from './kept.js';
import type {PaperDataset} from './paper-data.js';

/** The measures of tables 3 and 4. */
export const paperMeasures = ['insertion', 'deletion', 'intensity'] as const;

/** What one picture has come to with one method. */
export interface Score {
  /** Number of the picture. */
  readonly picture: number;
  /** The class that is explained: the network's decision. */
  readonly target: number;
  readonly values: Readonly<Record<(typeof paperMeasures)[number], number>>;
}

/** What is scored. */
export interface Scoring {
  readonly dataset: PaperDataset;
  readonly teacher: Teacher;
  readonly explainers: Readonly<Record<string, Explainer>>;
  /** How many pictures each method gets. */
  readonly pictures: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Where the scores are kept. */
  readonly folder: string;
}

const PART = 5;

/** Scores pictures with every method. */
export async function paperScores({dataset, teacher, explainers, pictures, seed, folder}: Scoring): Promise<Record<string, Score[]>> {
  const scores: Record<string, Score[]> = {};
  const bar = new ProgressBar();
  for (const [method, explainer] of Object.entries(explainers)) {
    const all: Score[] = (scores[method] = []);
    const total = at([pictures[method] ?? 0], 0);
    for (let first = 0; first < total; first += PART) {
      const end = Math.min(first + PART, total);
      const part = await kept(join(folder, 'scores', `${method}-${first}-${end}.json`), async () => {
        const {images} = await dataset.measured(first, end);
        // Of each picture by itself, so that the seed does not depend on which come together.
        const rows = [];
        for (const [offset, image] of images.entries()) {
          const own = new Random(seed).split(first + offset).seed;
          rows.push(
            ...(await compare({explainers: {[method]: explainer}, metrics: paperMeasures, images: [image], model: teacher, seed: own})),
          );
        }
        return rows.map(({perImage}, offset) => {
          const {target, values} = at(perImage, 0);
          return {picture: first + offset, target, values};
        });
      });
      all.push(...(part as Score[]));
      bar.update({stage: `scores, ${method}`, done: end, total});
    }
  }
  bar.stop();
  return scores;
}

/** The means of a method. */
export function meansOf(scores: readonly Score[]): Record<(typeof paperMeasures)[number], MeanOf> {
  const mean = (measure: (typeof paperMeasures)[number]): MeanOf => meanOf(scores.map(({values}) => values[measure]));
  return {insertion: mean('insertion'), deletion: mean('deletion'), intensity: mean('intensity')};
}
