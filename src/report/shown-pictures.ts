/** The images as the network saw them, as pictures; and maps over them on one scale. */
import {Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import type {DecodedImage, ImagesInput, Preprocessing} from '../core/types.js';
import {checkDecodedImage} from '../data/decoded-image.js';
import {toDisplayPixels} from '../data/display-pixels.js';
import {fitRegion} from '../data/fit-region.js';
import {imageAt} from '../data/image-list.js';
import {holdPictures} from '../data/read-image.js';
import {overlay, type OverlayOptions} from '../render/overlay.js';
import type {MapLike, RgbaImage} from '../render/pixels.js';
import {resizeMap} from '../render/resize-map.js';
import {fitPicture, type PictureTools} from './encode-picture.js';
import type {PicturesSettings, ReportMethod} from './options.js';

interface Shown {
  readonly where: string;
  readonly images: ImagesInput;
  readonly preprocessing: Preprocessing | undefined;
  /** Longer side in pixels. */
  readonly side: number;
  readonly tools: PictureTools;
}

/**
 * Returns one image as the network saw it: cut as it was cut, in the proportions of the picture, at most `side` pixels long.
 *
 * @param map One of its maps, which has the proportions of the network's input.
 * @throws {TypeError} If it is a tensor and there is no preprocessing.
 */
export async function shownPicture(
  {where, images, preprocessing, side, tools}: Shown,
  index: number,
  map: MapLike | undefined,
): Promise<RgbaImage> {
  const name = `${where}: images[${index}]`;
  const image = imageAt(images, index);
  if (image instanceof Tensor) {
    try {
      if (preprocessing === undefined)
        throw new TypeError(
          `${where}: preprocessing must be given for images that are tensors, so that they can be shown, but is undefined.`,
        );
      return await fitPicture(name, await toDisplayPixels(image as Tensor4D, preprocessing), side, tools);
    } finally {
      image.dispose();
    }
  }
  const picture = checkDecodedImage(name, await holdPictures(name, image));
  const cut =
    map === undefined ? picture : cutOut(picture, fitRegion([picture.height, picture.width], [map.height, map.width], preprocessing?.fit));
  return fitPicture(name, cut, side, tools);
}

function cutOut({data, width, channels = 3}: DecodedImage, region: ReturnType<typeof fitRegion>): DecodedImage {
  const rows = Array.from({length: region.height}, (_, row) => {
    const from = ((region.top + row) * width + region.left) * channels;
    return data.subarray(from, from + region.width * channels);
  });
  const cut = new Float32Array(region.height * region.width * channels);
  rows.forEach((row, index) => cut.set(row, index * region.width * channels));
  return {data: cut, width: region.width, height: region.height, channels};
}

/** The share of the pixels that have a colour where colours are ranks: below, maps are mostly noise, and the picture is to be seen. */
export const COLORED = 0.4;

/** The scale that all maps share. */
export interface SharedScale {
  /** Its two ends. */
  readonly range: readonly [number, number];
  /** A map in the unit of the scale. */
  readonly place: (map: MapLike) => MapLike;
  /** Whether all maps lie in 0–1. */
  readonly isUnit: boolean;
}

/** Finds the scale of all maps. */
export function sharedScale(methods: readonly ReportMethod[], {scale, range}: Pick<PicturesSettings, 'scale' | 'range'>): SharedScale {
  const [low, high] = finiteRange(methods.flatMap(({maps}) => maps));
  const isUnit = low >= 0 && high <= 1;
  if (scale === 'ranks') return {range: [1 - COLORED, 1], place: topRanks, isUnit};
  return {range: range ?? (isUnit ? [0, 1] : [low, high]), place: (map) => map, isUnit};
}

/** Draws a map over its picture, in which grey leaves the colours to the map. */
export function drawMap(picture: RgbaImage, map: MapLike, {range, place}: SharedScale, options: OverlayOptions): RgbaImage {
  // Enlarged first: a pixel without a colour would take those around it along.
  const placed = place(resizeMap(map, [picture.height, picture.width]));
  return overlay(greyOf(picture), placed, {...options, range});
}

/** Where a map is highest, the first of equals: 0–1 from the left and from the top. */
export function peakOf({data, width, height}: MapLike): {readonly x: number; readonly y: number} {
  let best = 0;
  for (let index = 1; index < data.length; index++) if ((data[index] as number) > (data[best] as number)) best = index;
  return {x: ((best % width) + 0.5) / width, y: (Math.floor(best / width) + 0.5) / height};
}

function greyOf({data, width, height}: RgbaImage): RgbaImage {
  const grey = new Uint8ClampedArray(data.length);
  for (let from = 0; from < data.length; from += 4) {
    const luma = 0.299 * (data[from] as number) + 0.587 * (data[from + 1] as number) + 0.114 * (data[from + 2] as number);
    grey.fill(luma, from, from + 3);
    grey[from + 3] = 255;
  }
  return {data: grey, width, height, channels: 4};
}

/** Ranks, and NaN for the pixels that have no colour. */
function topRanks(map: MapLike): MapLike {
  const {data, width, height} = ranksOf(map);
  return {data: data.map((rank) => (rank < 1 - COLORED ? NaN : rank)), width, height};
}

/** Each pixel by the share of the others that it outranks; equal values share the mean of their places. */
function ranksOf({data, width, height}: MapLike): MapLike & {readonly data: Float32Array} {
  const values = Float32Array.from(data);
  const order = Uint32Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float32Array(values.length);
  for (let first = 0; first < order.length;) {
    let next = first + 1;
    while (next < order.length && values[at(order, next)] === values[at(order, first)]) next++;
    const rank = values.length > 1 ? (first + next - 1) / 2 / (values.length - 1) : 0;
    for (let place = first; place < next; place++) ranks[at(order, place)] = rank;
    first = next;
  }
  return {data: ranks, width, height};
}

function finiteRange(maps: readonly (MapLike | undefined)[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const map of maps) {
    const data = map?.data ?? [];
    for (let index = 0; index < data.length; index++) {
      const value = data[index] as number;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}
