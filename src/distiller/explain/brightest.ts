/** From rankings to maps in [0,1]: any increasing function shows the same order. */
import {SOFTNESS} from '../../losses/ranking-mask.js';

/** Mean of a map at the most: evidence stands out from the rest. */
const MEAN = 0.2;
// Half way from the mean to the peak lies 0.5: small evidence fills a small part of the map.
const LEVEL = 0.5;
// How far the sigmoid is driven at the most: beyond it, numbers of 32 bits no longer tell what is high from what is highest.
const REACH = 8;
// Of the pixels that the level is found on; how near its mean has to come, and after how many steps what there is will do.
const SAMPLE = 4096;
const CLOSE = 1e-4;
const MOST_STEPS = 20;

/**
 * Maps each image's values to `sigmoid((z − level) / softness)`, z standardised over the image: 0.5 where z is half of
 * its peak, or higher up where the mean of the map would be above 0.2. The softness is 0.35, as in training, where the map is cut at a level that is drawn; more for high peaks, so that
 * different values stay different. A flat image becomes zeros.
 *
 * @param values `N · size` real values, image by image.
 */
export function brightest(values: Float32Array, size: number): Float32Array {
  const shown = new Float32Array(values.length);
  for (let from = 0; from < values.length; from += size) {
    const image = values.subarray(from, from + size);
    let [sum, peak] = [0, -Infinity];
    for (const value of image) {
      sum += value;
      if (value > peak) peak = value;
    }
    const mean = sum / size;
    let squares = 0;
    for (const value of image) squares += (value - mean) ** 2;
    const deviation = Math.sqrt(squares / size);
    if (!(deviation > 1e-6 * Math.abs(mean))) continue;
    const half = mean + LEVEL * (peak - mean);
    const softness = Math.max(SOFTNESS * deviation, (peak - half) / REACH);
    const level = levelOf(image, {mean, half, softness});
    for (let pixel = 0; pixel < size; pixel++) shown[from + pixel] = 1 / (1 + Math.exp((level - (image[pixel] as number)) / softness));
  }
  return shown;
}

interface Shape {
  readonly mean: number;
  /** Half way to the peak. */
  readonly half: number;
  readonly softness: number;
}

/**
 * `half`, or if the mean of the map would be above {@link MEAN} then the level at which it is that, on evenly spread
 * pixels: Newton's steps, halving where one leaves the interval.
 */
function levelOf(image: Float32Array, {mean, half, softness}: Shape): number {
  const stride = Math.max(1, Math.floor(image.length / SAMPLE));
  const count = Math.ceil(image.length / stride);
  // Far below the mean a map is 1 everywhere, far above it 0.
  let [low, high] = [mean - 8 * softness, mean + 16 * softness];
  let level = half;
  for (let step = 0; step < MOST_STEPS; step++) {
    let [sum, slopes] = [0, 0];
    for (let pixel = 0; pixel < image.length; pixel += stride) {
      const shown = 1 / (1 + Math.exp((level - (image[pixel] as number)) / softness));
      sum += shown;
      slopes += shown * (1 - shown);
    }
    const above = sum / count - MEAN;
    if (Math.abs(above) < CLOSE || (step === 0 && above < 0)) return level;
    if (above > 0) low = level;
    else high = level;
    const next = level + (above * softness * count) / slopes;
    level = next > low && next < high ? next : (low + high) / 2;
  }
  return level;
}
