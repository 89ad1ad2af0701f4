/** Superpixels as one label per pixel, and how any label map becomes one of ours. */
import {checkInteger, checkSize, isNumberList, show} from '../../../core/check.js';

/** A picture cut into segments. */
export interface Segments {
  /** `height · width` labels from 0 to `numSegments − 1`, row-major; each occurs. */
  readonly labels: Int32Array;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** How many segments there are, at least 1. */
  readonly numSegments: number;
}

/** Any label map: whole numbers, also negative ones or with gaps. */
export interface LabelMap {
  /** `height · width` labels, row-major. */
  readonly labels: ArrayLike<number>;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/**
 * Renames the labels of any map to 0 … n−1, in the order of their values; a map that has these
 * already keeps them. Segments need not be connected.
 *
 * @returns New segments; the map is not changed.
 * @throws {TypeError} If it is no label map.
 * @throws {RangeError} If the number of labels does not fit or a label is not a whole number.
 * @example
 * const segments = relabelSegments({labels: [7, 7, 2, 9], height: 2, width: 2}); // 1, 1, 0, 2
 */
export function relabelSegments(map: LabelMap): Segments {
  return relabelled('relabelSegments: map', map);
}

/** As {@link relabelSegments}; messages begin with `where`. */
export function relabelled(where: string, map: LabelMap): Segments {
  const {labels, height, width} = (map ?? {}) as Partial<LabelMap>;
  if (typeof map !== 'object' || !isNumberList(labels))
    throw new TypeError(`${where} must be {labels, height, width}, but is ${show(map)}.`);
  checkSize(where, height, width);
  if (labels.length !== map.height * map.width) {
    throw new RangeError(`${where}: labels must have height · width = ${map.height * map.width} values, but has ${labels.length}.`);
  }
  const seen = new Set<number>();
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel] as number;
    if (!Number.isInteger(label)) checkInteger(`${where}: labels[${pixel}]`, label, -Infinity);
    seen.add(label);
  }
  const names = new Map([...seen].sort((a, b) => a - b).map((label, index) => [label, index]));
  const renamed = Int32Array.from(labels, (label) => names.get(label) as number);
  return {labels: renamed, height: map.height, width: map.width, numSegments: names.size};
}
