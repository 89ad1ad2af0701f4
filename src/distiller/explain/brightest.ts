/** From rankings to maps in [0,1]: any increasing function shows the same order. */
import {at} from '../../core/at.js';

// As in training, where the map is cut as softly at a level that is drawn.
const SOFTNESS = 0.35;
/** Mean of a map at the most: evidence stands out from the rest. */
const MEAN = 0.2;
// Half way from the mean to the peak lies 0.5: small evidence fills a small part of the map.
const LEVEL = 0.5;
// How far the sigmoid is driven at the most: beyond it, numbers of 32 bits no longer tell what is high from what is highest.
const REACH = 8;
// Of the pixels that the level is found on, and how often its interval is halved: to 1e-3 of a standard deviation.
const SAMPLE = 4096;
const HALVINGS = 14;

/**
 * Maps each image's values to `sigmoid((z − level) / softness)`, z standardised over the image: 0.5 where z is half of
 * its peak, or higher up where the mean of the map would be above 0.2. The softness is 0.35, more for high peaks, so that
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
    const level = meanAbove(image, half, softness) <= MEAN ? half : levelOf(image, mean, softness);
    for (let pixel = 0; pixel < size; pixel++) shown[from + pixel] = sigmoid((at(image, pixel) - level) / softness);
  }
  return shown;
}

/** The level at which the mean of a map is {@link MEAN}, by bisection. */
function levelOf(image: Float32Array, mean: number, softness: number): number {
  // Far below the mean a map is 1 everywhere, far above it 0.
  let [low, high] = [mean - 8 * softness, mean + 16 * softness];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (meanAbove(image, middle, softness) > MEAN) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The mean of the map that a level makes, on evenly spread pixels. */
function meanAbove(image: Float32Array, level: number, softness: number): number {
  const stride = Math.max(1, Math.floor(image.length / SAMPLE));
  let [sum, count] = [0, 0];
  for (let pixel = 0; pixel < image.length; pixel += stride, count++) sum += sigmoid((at(image, pixel) - level) / softness);
  return sum / count;
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
