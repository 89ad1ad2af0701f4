/**
 * Training pictures for the teacher. An explanation is judged by what the teacher says about masked
 * pictures, so it is trained on masked pictures: the more of the sign a mask hides, the closer the
 * wanted answer is to "no idea" (the same probability for every class). Masks act on normalised
 * pixels, where 0 is mid grey.
 */
import {Random} from '../src/core/random.js';
import {resizeMap} from '../src/render/index.js';
import {classNames, generateShape, SIZE} from './shapes.js';

/** A batch ready to become tensors. */
export interface TeacherBatch {
  /** `size · crop · crop · 3` values in [−1,1]. */
  readonly images: Float32Array;
  /** `size · 8` probabilities. */
  readonly targets: Float32Array;
}

const PIXELS = SIZE * SIZE;
// A sign of which less than a sixth shows says nothing, one that shows for more than half says all.
const UNSEEN = 0.15;
const SEEN = 0.55;
const SIGN_RADIUS = 7;

/** Options of {@link teacherBatch}. */
export interface TeacherBatchOptions {
  /**
   * Share of pictures, 0 to 1, that show the sign on plain grey. Among everything else the small
   * signs take long to be noticed; training begins with many such pictures and ends without.
   * @default 0
   */
  readonly ease?: number | undefined;
  /** Edge of the square around the sign that is cut out, 24 to 64. @default 64 (the whole picture) */
  readonly crop?: number | undefined;
}

/** Makes pictures `start` … `start + size − 1` of a series, masked at random; each depends on `seed`, its index and the options alone. */
export function teacherBatch(seed: number, start: number, size: number, options: TeacherBatchOptions = {}): TeacherBatch {
  const {ease = 0, crop = SIZE} = options;
  const images = new Float32Array(size * crop * crop * 3);
  const targets = new Float32Array(size * classNames.length);
  for (let item = 0; item < size; item++) {
    const random = new Random(seed).split(`mask ${start + item}`);
    const easy = random.next() < ease;
    const withoutSign = random.next() < 0.06 && !easy;
    const {image, label, evidence} = generateShape(seed, start + item, {withoutSign});
    const mask = easy ? Float32Array.from(evidence) : drawMask(random, evidence);
    const [left, top] = placeCrop(random, evidence, crop);
    let at = item * crop * crop * 3;
    for (let y = top; y < top + crop; y++) {
      for (let x = left; x < left + crop; x++) {
        const pixel = y * SIZE + x;
        for (let channel = 0; channel < 3; channel++) {
          images[at++] = ((image.data[pixel * 3 + channel] as number) / 127.5 - 1) * (mask[pixel] as number);
        }
      }
    }
    const known = withoutSign ? 0 : certainty(mask, evidence);
    targets.fill((1 - known) / classNames.length, item * classNames.length, (item + 1) * classNames.length);
    targets[item * classNames.length + label] = known + (1 - known) / classNames.length;
  }
  return {images, targets};
}

/** Draws the corner of a square that holds the whole sign. */
function placeCrop(random: Random, evidence: Uint8Array, crop: number): [left: number, top: number] {
  let [left, top, right, bottom] = [SIZE, SIZE, 0, 0];
  evidence.forEach((value, pixel) => {
    if (value === 0) return;
    const x = pixel % SIZE;
    const y = (pixel - x) / SIZE;
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  });
  const draw = (first: number, last: number): number => {
    const low = Math.max(0, last + 1 - crop);
    const high = Math.min(SIZE - crop, first);
    return low + random.int(Math.max(0, high - low) + 1);
  };
  return [draw(left, right), draw(top, bottom)];
}

function certainty(mask: Float32Array, evidence: Uint8Array): number {
  let visible = 0;
  let total = 0;
  evidence.forEach((value, pixel) => {
    visible += value * (mask[pixel] as number);
    total += value;
  });
  return Math.min(1, Math.max(0, (visible / total - UNSEEN) / (SEEN - UNSEEN)));
}

function drawMask(random: Random, evidence: Uint8Array): Float32Array {
  const kind = random.next();
  let mask: Float32Array = new Float32Array(PIXELS).fill(1);
  if (kind > 0.85) mask = nearSign(random, evidence, 1);
  else if (kind > 0.78) mask = nearSign(random, evidence, -1);
  else if (kind > 0.58) mask = patches(random);
  else if (kind > 0.4) cutRectangles(random, mask);
  if (random.next() < 0.3) {
    const dim = random.uniform(0.5, 1);
    mask = mask.map((value) => value * dim);
  }
  return mask;
}

/**
 * Keeps the sign and its surroundings (`side` 1) or everything but them (−1), with an edge of random
 * softness. Half of the time the edge is round, so that its course alone does not tell the sign.
 */
function nearSign(random: Random, evidence: Uint8Array, side: 1 | -1): Float32Array {
  const round = random.next() < 0.5;
  const reach = random.uniform(1, 8) + (round ? SIGN_RADIUS : 0);
  const softness = random.uniform(0.5, 5);
  const rest = random.next() < 0.6 ? 0 : random.uniform(0, 0.4);
  return distanceTo(round ? centreOf(evidence) : evidence).map((distance) => {
    const inside = Math.min(1, Math.max(0, 0.5 - (side * (distance - reach - softness / 2)) / softness));
    return rest + (1 - rest) * inside;
  });
}

function centreOf(evidence: Uint8Array): Uint8Array {
  let x = 0;
  let y = 0;
  let count = 0;
  evidence.forEach((value, pixel) => {
    x += value * (pixel % SIZE);
    y += value * Math.floor(pixel / SIZE);
    count += value;
  });
  const centre = new Uint8Array(PIXELS);
  centre[Math.round(y / count) * SIZE + Math.round(x / count)] = 1;
  return centre;
}

/** Random values on a coarse grid, enlarged smoothly, as in RISE. */
function patches(random: Random): Float32Array {
  const grid = 3 + random.int(6);
  const keep = random.uniform(0.2, 0.9);
  const data = Float32Array.from({length: grid * grid}, () => (random.next() < keep ? 1 : 0));
  return resizeMap({data, height: grid, width: grid}, [SIZE, SIZE]).data;
}

function cutRectangles(random: Random, mask: Float32Array): void {
  for (let left = 1 + random.int(4); left > 0; left--) {
    const width = 6 + random.int(26);
    const height = 6 + random.int(26);
    const x = random.int(SIZE) - width / 2;
    const y = random.int(SIZE) - height / 2;
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const column = pixel % SIZE;
      const row = (pixel - column) / SIZE;
      if (column >= x && column < x + width && row >= y && row < y + height) mask[pixel] = 0;
    }
  }
}

/** Distance of every pixel to the region, in pixels, by two sweeps over the nearest neighbours. */
function distanceTo(region: Uint8Array): Float32Array {
  const distance = Float32Array.from(region, (value) => (value === 1 ? 0 : 2 * SIZE));
  const sweep = (pixel: number, step: 1 | -1): void => {
    const column = pixel % SIZE;
    const row = (pixel - column) / SIZE;
    const look = (dx: number, dy: number, cost: number): void => {
      const x = column + dx;
      const y = row + dy;
      if (x < 0 || y < 0 || x >= SIZE || y >= SIZE) return;
      distance[pixel] = Math.min(distance[pixel] as number, (distance[y * SIZE + x] as number) + cost);
    };
    look(-step, 0, 1);
    look(0, -step, 1);
    look(-step, -step, Math.SQRT2);
    look(step, -step, Math.SQRT2);
  };
  for (let pixel = 0; pixel < PIXELS; pixel++) sweep(pixel, 1);
  for (let pixel = PIXELS - 1; pixel >= 0; pixel--) sweep(pixel, -1);
  return distance;
}
