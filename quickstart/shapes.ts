/**
 * A data set without a download: 64 x 64 pictures in which one small sign, anywhere, decides the
 * class, among figures and textures that say nothing. Because the deciding pixels are known, a
 * saliency map can be checked against the truth.
 */
import {Random} from '../src/core/random.js';
import type {DecodedImage} from '../src/core/types.js';
import {addGrain, makeScene} from './background.js';
import {cover, drawFigure, SIZE, type Placement} from './canvas.js';
import {makeDistractor} from './distractors.js';
import {signs, type Sign} from './signs.js';

export {SIZE} from './canvas.js';

/** The classes, in the order of the labels. */
export const classNames: readonly string[] = signs.map((sign) => sign.name);

/** A seed for each part of the data, so that no picture is in two of them. */
export const seeds = {train: 11, validation: 22, test: 33} as const;

/** One picture and what it shows. */
export interface ShapePicture {
  /** 64 x 64 RGB. */
  readonly image: DecodedImage & {readonly data: Uint8ClampedArray; readonly channels: 3};
  /** Index into {@link classNames}. */
  readonly label: number;
  /** 64 · 64 values: 1 on the sign's silhouette (holes filled), 0 elsewhere. */
  readonly evidence: Uint8Array;
}

/** Options of {@link generateShape}. */
export interface ShapeOptions {
  /** Leaves the sign out and everything else as it was. @default false */
  readonly withoutSign?: boolean | undefined;
}

const MIN_RADIUS = 6.5;
const MAX_RADIUS = 9.5;
const MAX_TURN = Math.PI / 7;
const PLACING_TRIES = 30;
// A pixel is evidence if the sign covers this much of it: less than half, for the thin horns of a crescent.
const MIN_SHARE = 0.25;

/**
 * Draws picture `index` of the series `seed`; it depends on these two numbers alone. Every eight
 * pictures in a row, from a multiple of eight on, hold each class once.
 */
export function generateShape(seed: number, index: number, options: ShapeOptions = {}): ShapePicture {
  const block = Math.floor(index / signs.length);
  const label = new Random(seed).split(`block ${block}`).permutation(signs.length)[index % signs.length] as number;
  const sign = signs[label] as Sign;
  const random = new Random(seed).split(`picture ${index}`);
  const {canvas, palette} = makeScene(random.split('scene'));
  const pick = (stream: Random): (typeof palette)[number] => palette[stream.int(palette.length)] as (typeof palette)[number];

  const signStream = random.split('sign');
  const at = placeSign(signStream);
  const signColor = pick(signStream);
  for (const place of placeAround(at, random.split('places'))) {
    const stream = random.split(`distractor ${place.x}`);
    drawFigure(canvas, makeDistractor(stream), place, pick(stream));
  }
  if (!options.withoutSign) drawFigure(canvas, sign.shape, at, signColor);
  addGrain(canvas, random.split('grain'));

  const evidence = new Uint8Array(SIZE * SIZE);
  cover(sign.silhouette, at, (pixel, share) => {
    if (share >= MIN_SHARE) evidence[pixel] = 1;
  });
  return {image: {data: Uint8ClampedArray.from(canvas), width: SIZE, height: SIZE, channels: 3}, label, evidence};
}

function placeSign(random: Random): Placement {
  const radius = random.uniform(MIN_RADIUS, MAX_RADIUS);
  const margin = radius + 1;
  return {
    x: random.uniform(margin, SIZE - margin),
    y: random.uniform(margin, SIZE - margin),
    radius,
    angle: random.uniform(-MAX_TURN, MAX_TURN),
  };
}

/** Finds room for three to six figures that touch neither the sign nor each other: two crossed bars would be a cross. */
function placeAround(sign: Placement, random: Random): Placement[] {
  const wanted = 3 + random.int(4);
  const taken: Placement[] = [sign];
  for (let attempt = 0; attempt < PLACING_TRIES * wanted && taken.length <= wanted; attempt++) {
    const place: Placement = {
      x: random.uniform(3, SIZE - 3),
      y: random.uniform(3, SIZE - 3),
      // Later tries are smaller, so that a full picture still gets its three.
      radius: random.uniform(5, attempt > PLACING_TRIES ? 7 : 10),
      angle: random.uniform(-Math.PI, Math.PI),
    };
    const free = taken.every((other) => Math.hypot(place.x - other.x, place.y - other.y) > place.radius + other.radius + 2);
    if (free) taken.push(place);
  }
  return taken.slice(1);
}
