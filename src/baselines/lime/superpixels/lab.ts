/**
 * CIE Lab, the colour space in which superpixels are cut: distances there follow the eye. sRGB
 * curve, D65 white; the constants are those of scikit-image, since another white point alone moves
 * quickshift's borders (adjusted Rand index 0.82–0.96).
 */
import {checkDecodedImage} from '../../../data/decoded-image.js';
import type {DecodedImage} from '../../../core/types.js';

const WHITE = [0.95047, 1, 1.08883] as const;
// Rows: X, Y, Z from linear red, green, blue; divided by the white.
const TO_XYZ = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
].map((row, axis) => row.map((weight) => weight / (WHITE[axis] as number)));

/** A picture in Lab. */
export interface LabImage {
  /** `height · width · 3` values, channels last: lightness 0–100, then the two colour axes. */
  readonly data: Float64Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Converts a picture to Lab. Grey counts as equal red, green and blue; alpha is ignored.
 *
 * @param where Names the argument in messages.
 * @param stretch Whether the range of the values, over all channels, is stretched to 0–1 first.
 * @throws As `checkDecodedImage`.
 */
export function toLab(where: string, image: DecodedImage, stretch: boolean = false): LabImage {
  const {data, width, height, channels} = checkDecodedImage(where, image);
  const colours = channels === 1 ? 1 : 3;
  const [low, high] = stretch ? rangeOf(data, channels, colours) : [0, 255];
  const span = high > low ? high - low : 1;
  const lab = new Float64Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const from = pixel * channels;
    const red = toLinear(((data[from] as number) - low) / span);
    const green = colours === 1 ? red : toLinear(((data[from + 1] as number) - low) / span);
    const blue = colours === 1 ? red : toLinear(((data[from + 2] as number) - low) / span);
    const [x, y, z] = TO_XYZ.map(([r, g, b]) => root((r as number) * red + (g as number) * green + (b as number) * blue)) as [
      number,
      number,
      number,
    ];
    lab[pixel * 3] = 116 * y - 16;
    lab[pixel * 3 + 1] = 500 * (x - y);
    lab[pixel * 3 + 2] = 200 * (y - z);
  }
  return {data: lab, height, width};
}

function rangeOf(data: ArrayLike<number>, channels: number, colours: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let index = 0; index < data.length; index++) {
    if (index % channels >= colours) continue;
    low = Math.min(low, data[index] as number);
    high = Math.max(high, data[index] as number);
  }
  return [low, high];
}

/** Undoes the sRGB curve. */
function toLinear(value: number): number {
  return value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92;
}

/** Cube root, with a straight line near black. */
function root(value: number): number {
  return value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116;
}
