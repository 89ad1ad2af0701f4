/** What is wrong with the maps of a distiller that has just been trained, seen on a few images. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {Random} from '../../core/random.js';
import type {SaliencyMap} from '../../core/types.js';
import {deletionScore} from '../../metrics/of-model/deletion-score.js';
import {insertionScore} from '../../metrics/of-model/insertion-score.js';
import {meanIntensity} from '../../metrics/of-map/mean-intensity.js';
import {CompiledNetworks, drawBatch, drawPlain, mapsOf} from '../explain/draw-maps.js';
import {evidenceOf} from '../explain/evidence.js';
import {kindOf, type Networks} from '../networks.js';

/** Images looked at, at most. */
export const VERDICT_IMAGES = 6;
// Points of the curves: few, since a difference from random is plain or none.
const CURVE_STEPS = 5;
// Beyond these a map shows nearly everything or nearly nothing.
const BRIGHTEST = 0.7;
const DIMMEST = 0.02;
// How far the outermost ring may lie above the one inside it, in standard deviations of the map.
const FRAME = 0.3;
const RINGS = 32;
// Along each side, of the maps that ours are compared with: about as coarse as what a network sees last.
const BLOCKS = 7;

/** What a verdict needs besides networks and images. */
interface Judging {
  /** Draws the maps that ours are compared with. */
  readonly seed: number;
  /** Stops between two batches. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Judges maps, and names what is not as it should be, one sentence each.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 */
export async function mapWarnings(networks: Networks, images: Tensor4D, {seed, signal}: Judging): Promise<string[]> {
  const maps = await explained(networks, images, seed);
  const warnings = [intensityWarning(maps), frameWarning(maps), await causalWarning(networks, images, maps, {seed, signal})];
  return warnings.filter((warning) => warning !== undefined);
}

async function explained(networks: Networks, images: Tensor4D, seed: number): Promise<SaliencyMap[]> {
  const compiled = new CompiledNetworks(networks);
  try {
    const {guidance, objective} = networks.method;
    const kind = kindOf(networks.teacher);
    const evidence = evidenceOf('train', 'argmax', {first: 0, count: images.shape[0], kind});
    const draw = guidance === 'none' ? drawPlain(networks) : compiled.draw;
    return await mapsOf(
      await drawBatch(draw, images, {form: 'probabilities', kind, evidence, objective}),
      {seed, target: 'argmax', options: {}},
      0,
    );
  } finally {
    compiled.dispose();
  }
}

function intensityWarning(maps: readonly SaliencyMap[]): string | undefined {
  const mean = meanOf(maps.map(meanIntensity));
  if (mean > BRIGHTEST) return `The maps are saturated: their mean is ${mean.toFixed(2)}. Try a 3 to 10 times larger lambda.`;
  if (mean < DIMMEST) return `The maps are dim: their mean is ${mean.toFixed(3)}. Try a 3 to 10 times smaller lambda, or train for longer.`;
  return undefined;
}

function frameWarning(maps: readonly SaliencyMap[]): string | undefined {
  const excess = meanOf(maps.map(frameOf));
  if (excess <= FRAME) return undefined;
  return `The maps have a frame: at the border they lie ${excess.toFixed(2)} standard deviations above what is next to it. Use decoder: {border: 'replicate'}, or train for longer.`;
}

/** How far the outermost ring lies above the next one, in standard deviations of the map. */
function frameOf({data, height, width}: SaliencyMap): number {
  const ring = Math.max(1, Math.round(Math.min(height, width) / RINGS));
  const sums = {outer: 0, outerCount: 0, inner: 0, innerCount: 0, all: 0, squares: 0};
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column] as number;
      const depth = Math.floor(Math.min(row, column, height - 1 - row, width - 1 - column) / ring);
      sums.all += value;
      sums.squares += value * value;
      if (depth === 0) [sums.outer, sums.outerCount] = [sums.outer + value, sums.outerCount + 1];
      if (depth === 1) [sums.inner, sums.innerCount] = [sums.inner + value, sums.innerCount + 1];
    }
  }
  const mean = sums.all / data.length;
  const deviation = Math.sqrt(Math.max(0, sums.squares / data.length - mean * mean));
  return deviation === 0 || sums.innerCount === 0 ? 0 : (sums.outer / sums.outerCount - sums.inner / sums.innerCount) / deviation;
}

async function causalWarning(
  {teacher}: Networks,
  images: Tensor4D,
  maps: readonly SaliencyMap[],
  {seed, signal}: Judging,
): Promise<string | undefined> {
  const random = new Random(seed).split('verdict');
  const unguided = maps.map((map, index) => randomBlocks(map, random.split(index)));
  const {height, width} = at(maps, 0);
  const options = {target: {perImage: maps.map(({target}) => target)}, stepSize: Math.ceil((height * width) / CURVE_STEPS), signal};
  const scores = async (of: readonly SaliencyMap[]): Promise<{insertion: number[]; deletion: number[]}> => ({
    insertion: (await insertionScore(images, of, teacher, options)).map(({auc}) => auc),
    deletion: (await deletionScore(images, of, teacher, options)).map(({auc}) => auc),
  });
  const [ours, chance] = [await scores(maps), await scores(unguided)];
  const inWords = (name: 'insertion' | 'deletion'): string =>
    `${name} ${meanOf(ours[name]).toFixed(3)}, random ${meanOf(chance[name]).toFixed(3)}`;
  const gained = meanOf(ours.insertion) - meanOf(chance.insertion);
  // Evidence that is smaller than a step of these short curves goes with the first one, whatever the map: only what lies
  // beyond the scatter of the images says that deletion is worse.
  const lost = ours.deletion.map((auc, image) => auc - at(chance.deletion, image));
  const worse = [...(gained <= 0 ? [inWords('insertion')] : []), ...(meanOf(lost) > standardError(lost) ? [inWords('deletion')] : [])];
  if (worse.length === 0) return undefined;
  return `On ${maps.length} images the maps are no better than random ones: ${worse.join('; ')}. Train for longer, on more or other images, or look whether they are preprocessed as the teacher expects.`;
}

/**
 * A map of blocks in random order. Single pixels in random order would not do: they spoil every image at once, which looks
 * like a good deletion.
 */
function randomBlocks(map: SaliencyMap, random: Random): SaliencyMap {
  const {height, width} = map;
  const values = Float32Array.from({length: BLOCKS * BLOCKS}, () => random.next());
  const blockOf = (pixel: number): number =>
    Math.floor((Math.floor(pixel / width) * BLOCKS) / height) * BLOCKS + Math.floor(((pixel % width) * BLOCKS) / width);
  return {...map, data: Float32Array.from(map.data, (_, pixel) => at(values, blockOf(pixel)))};
}

/** Of the mean of some numbers; 0 for a single one. */
function standardError(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
