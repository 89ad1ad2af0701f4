/** Maps of some photos by one method: one or more classes of each. */
import {scoreModel} from '../models/score-model.js';
import type {DecodedImage, Progress, SaliencyMap, Teacher} from '../core/types.js';
import type {Wanted} from './class-names.js';
import type {ChosenMethod} from './methods.js';

/** What is wanted, and how. */
export interface DrawOptions {
  readonly wanted: Wanted;
  readonly teacher: Teacher;
  readonly seed: number;
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** How many maps each picture gets. */
export function mapsPerPicture(wanted: Wanted): number {
  return 'top' in wanted ? wanted.top : wanted.classes.length;
}

/** The likeliest classes of each picture, where more than one is wanted; `undefined` where the method finds the likeliest itself. */
export async function topClasses(
  images: readonly DecodedImage[],
  {wanted, teacher}: DrawOptions,
): Promise<readonly (readonly number[])[] | undefined> {
  if (!('top' in wanted) || wanted.top === 1) return undefined;
  const scorer = scoreModel('attentive-distiller', teacher);
  const classes: number[][] = [];
  for (const image of images) {
    const input = scorer.toInput([image]);
    const {values} = await scorer.score(input).finally(() => input.dispose());
    const ranked = [...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
    classes.push(ranked.slice(0, wanted.top));
  }
  return classes;
}

/** Draws the maps of each picture, in the order of its classes. */
export async function drawMaps(
  {explainer, single}: ChosenMethod,
  images: readonly DecodedImage[],
  top: readonly (readonly number[])[] | undefined,
  {wanted, seed, batchSize, signal, onProgress}: DrawOptions,
): Promise<SaliencyMap[][]> {
  const shared = {seed, batchSize, signal, onProgress};
  const perPicture = mapsPerPicture(wanted);
  if (!single && top === undefined) {
    const target = 'top' in wanted ? 'argmax' : wanted.classes;
    const maps = await explainer.explain(images, {...shared, target});
    return images.map((_, index) => maps.slice(index * perPicture, (index + 1) * perPicture));
  }
  const drawn: SaliencyMap[][] = [];
  for (const [index, image] of images.entries()) {
    signal.throwIfAborted();
    const target = top?.[index] ?? ('classes' in wanted ? wanted.classes : 'argmax');
    drawn.push(await explainer.explain([image], {...shared, target}));
  }
  return drawn;
}
