/** Which pixels a LIME explanation marks: those of its strongest segments. */
import {isNumberList, show} from '../../core/check.js';
import {absentMeans, boolean, integer, number, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {DecodedImage} from '../../core/types.js';
import {checkDecodedImage} from '../../data/decoded-image.js';
import type {LimeMap} from './lime.js';

/** Options of {@link limeMask}. */
export interface LimeMaskOptions {
  /** Only segments that speak for the class. @default true, unless negativeOnly */
  readonly positiveOnly?: boolean | undefined;
  /** Only segments that speak against it. @default false */
  readonly negativeOnly?: boolean | undefined;
  /** How many segments, the strongest first, at least 1. @default 5 */
  readonly numFeatures?: number | undefined;
  /** The least |weight|, at least 0; with one of the sides only, a segment must exceed it. @default 0 */
  readonly minWeight?: number | undefined;
}

/** Options of {@link limePicture}. */
export interface LimePictureOptions extends LimeMaskOptions {
  /** Whether pixels without a mark become black. @default false */
  readonly hideRest?: boolean | undefined;
}

type LimeMaskSettings = Settled<LimeMaskOptions, 'positiveOnly'>;

const maskFields: OptionsSchema<LimeMaskSettings>['fields'] = {
  positiveOnly: absentMeans(boolean(), 'true, unless negativeOnly'),
  negativeOnly: withDefault(boolean(), false),
  numFeatures: withDefault(integer(1), 5),
  minWeight: withDefault(number(0), 0),
};

/** The options of {@link limeMask}. */
export const limeMaskSchema: OptionsSchema<LimeMaskSettings> = {where: 'limeMask', fields: maskFields};

/** The options of {@link limePicture}. */
export const limePictureSchema: OptionsSchema<Settled<LimePictureOptions, 'positiveOnly'>> = {
  where: 'limePicture',
  fields: {...maskFields, hideRest: withDefault(boolean(), false)},
};

/** What is read of a map: a whole {@link LimeMap} fits. */
export type LimeMaskInput = Pick<LimeMap, 'coefficients' | 'segments'>;

/**
 * Marks the pixels of the strongest segments. With `positiveOnly` (the default) or `negativeOnly`,
 * the first `numFeatures` segments of that side whose |weight| exceeds `minWeight`; with
 * `positiveOnly: false` alone, of the first `numFeatures` segments those that reach it.
 *
 * @returns `height · width` marks: 1 marked, 0 not; −1 where both sides are marked and the segment
 *   speaks against the class.
 * @throws {RangeError} If both sides are asked for alone, or a number is out of range.
 * @see `get_image_and_mask` of marcotcr/lime, whose rules these are.
 * @example
 * const marks = limeMask(map, {positiveOnly: false, numFeatures: 10});
 */
export function limeMask(map: LimeMaskInput, options?: LimeMaskOptions): Int8Array {
  return marksOf('limeMask', map, readOptions(limeMaskSchema, options));
}

function marksOf(where: string, map: LimeMaskInput, settings: LimeMaskSettings): Int8Array {
  const {coefficients, segments} = checkLimeMap(where, map);
  const {negativeOnly, numFeatures, minWeight} = settings;
  const {positiveOnly = !negativeOnly} = settings;
  if (positiveOnly && negativeOnly) throw new RangeError(`${where}: positiveOnly and negativeOnly exclude each other, but both are true.`);
  const marks = new Int8Array(segments.numSegments);
  if (positiveOnly || negativeOnly) {
    const side = positiveOnly ? 1 : -1;
    const ofSide = coefficients.filter(([, weight]) => side * weight > minWeight);
    for (const [segment] of ofSide.slice(0, numFeatures)) marks[segment] = 1;
  } else {
    for (const [segment, weight] of coefficients.slice(0, numFeatures)) {
      if (Math.abs(weight) >= minWeight) marks[segment] = weight < 0 ? -1 : 1;
    }
  }
  return Int8Array.from(segments.labels, (label) => marks[label] as number);
}

/**
 * Shows the marks of {@link limeMask} in a picture: marked pixels stay, the others do or become black
 * (`hideRest`). Where both sides are marked (`positiveOnly: false`), green is set to the picture's
 * highest value for segments that speak for the class, red for those against it.
 *
 * @param image A picture of the size of the map; grey becomes RGB, alpha is dropped. Borrowed.
 * @returns A new RGB picture.
 * @throws {RangeError} As {@link limeMask}, or if the sizes differ.
 * @throws {TypeError} If `image` is no picture.
 * @example
 * const evidence = limePicture(imageData, map, {hideRest: true});
 */
export function limePicture(image: DecodedImage, map: LimeMaskInput, options?: LimePictureOptions): DecodedImage {
  const settings = readOptions(limePictureSchema, options);
  const {hideRest, positiveOnly, negativeOnly} = settings;
  const {data, height, width, channels} = checkDecodedImage('limePicture: image', image);
  const marks = marksOf('limePicture', map, settings);
  const {segments} = map;
  if (height !== segments.height || width !== segments.width) {
    throw new RangeError(
      `limePicture: image must have the size of the map, ${segments.height}×${segments.width} (height×width), but is ${height}×${width}.`,
    );
  }
  const both = positiveOnly === false && !negativeOnly;
  const shown = new Uint8ClampedArray(height * width * 3);
  let highest = 0;
  for (let index = 0; index < data.length; index++) if (channels !== 4 || index % 4 < 3) highest = Math.max(highest, data[index] as number);
  marks.forEach((mark, pixel) => {
    if (mark === 0 && hideRest) return;
    for (let colour = 0; colour < 3; colour++) shown[pixel * 3 + colour] = data[pixel * channels + (channels === 1 ? 0 : colour)] as number;
    if (both && mark !== 0) shown[pixel * 3 + (mark > 0 ? 1 : 0)] = highest;
  });
  return {data: shown, height, width, channels: 3};
}

/** Checks that a map is one of LIME's. @throws {TypeError} If it is none. */
function checkLimeMap(where: string, map: LimeMaskInput): LimeMaskInput {
  const {coefficients, segments} = (map ?? {}) as Partial<LimeMaskInput>;
  const isMap = isNumberList(segments?.labels) && Number.isInteger(segments.numSegments) && Array.isArray(coefficients);
  if (!isMap || !coefficients.every((pair) => isNumberList(pair) && pair.length === 2)) {
    const advice = Array.isArray(map) ? ': take one of them, such as the first, [0]' : '';
    throw new TypeError(`${where}: map must be a map of lime(), but is ${show(map)}${advice}.`);
  }
  return map;
}
