/** Textured backgrounds: a muted colour with smooth clouds and stripes over it, and film grain. */
import {hsl} from 'd3-color';
import type {Random} from '../src/core/random.js';
import type {Rgb} from '../src/render/index.js';
import {SIZE, type Canvas} from './canvas.js';

/** A background and the colours that stand out from it. */
export interface Scene {
  readonly canvas: Canvas;
  /** Colours for everything that is drawn; the sign takes one of them like the rest. */
  readonly palette: readonly Rgb[];
}

const CLOUD_CELLS = 5;
const PALETTE_SIZE = 3;
// Of 442 between black and white: below 80 signs of 12 pixels are hard for people, too.
const MIN_CONTRAST = 95;

/** Makes a background; everything comes from `random`. */
export function makeScene(random: Random): Scene {
  const base = toRgb(random.uniform(0, 360), random.uniform(0.05, 0.45), random.uniform(0.2, 0.8));
  const palette: Rgb[] = [];
  while (palette.length < PALETTE_SIZE) {
    const color = toRgb(random.uniform(0, 360), random.uniform(0.4, 1), random.uniform(0.12, 0.88));
    if (Math.hypot(...color.map((value, channel) => value - (base[channel] as number))) >= MIN_CONTRAST) palette.push(color);
  }
  const canvas = new Float32Array(SIZE * SIZE * 3);
  const tint = [0, 1, 2].map(() => random.uniform(0.6, 1.4));
  const cloud = clouds(random, random.uniform(6, 22));
  const stripe = stripes(random, random.uniform(2, 12));
  for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
    const x = pixel % SIZE;
    const y = (pixel - x) / SIZE;
    const light = cloud(x, y) + stripe(x, y);
    for (let channel = 0; channel < 3; channel++)
      canvas[pixel * 3 + channel] = (base[channel] as number) + light * (tint[channel] as number);
  }
  return {canvas, palette};
}

/** Adds grain that is the same in all three channels of a pixel. */
export function addGrain(canvas: Canvas, random: Random): void {
  const strength = random.uniform(2, 9);
  for (let index = 0; index < canvas.length; index += 3) {
    const grain = strength * random.normal();
    for (let channel = index; channel < index + 3; channel++) canvas[channel] = (canvas[channel] as number) + grain;
  }
}

/** Random values on a coarse grid, joined smoothly. */
function clouds(random: Random, strength: number): (x: number, y: number) => number {
  const side = CLOUD_CELLS + 1;
  const corners = Float32Array.from({length: side * side}, () => strength * random.normal());
  return (x, y) => {
    const u = (x * CLOUD_CELLS) / SIZE;
    const v = (y * CLOUD_CELLS) / SIZE;
    const corner = Math.floor(v) * side + Math.floor(u);
    const right = smooth(u % 1);
    const down = smooth(v % 1);
    const upper = mix(corners[corner] as number, corners[corner + 1] as number, right);
    const lower = mix(corners[corner + side] as number, corners[corner + side + 1] as number, right);
    return mix(upper, lower, down);
  };
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

function mix(a: number, b: number, share: number): number {
  return a + share * (b - a);
}

function stripes(random: Random, strength: number): (x: number, y: number) => number {
  const angle = random.uniform(0, Math.PI);
  const frequency = (2 * Math.PI) / random.uniform(4, 16);
  const phase = random.uniform(0, 2 * Math.PI);
  const fx = Math.cos(angle) * frequency;
  const fy = Math.sin(angle) * frequency;
  return (x, y) => strength * Math.sin(fx * x + fy * y + phase);
}

function toRgb(hue: number, saturation: number, lightness: number): Rgb {
  const {r, g, b} = hsl(hue, saturation, lightness).rgb();
  return [r, g, b];
}
