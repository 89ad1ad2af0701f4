/** The clusters of SLIC: where they start, and the rounds in which they move. */
import type {Pausable} from '../../../core/in-turns.js';
import type {LabImage} from './lab.js';

/** Values per cluster: y, x and the three colours. */
export const FEATURES = 5;

/** All clusters, and how far they look: two steps. */
export interface Clusters {
  /** {@link FEATURES} values each. */
  readonly clusters: Float64Array;
  /** Distance of the seeds, in pixels; the longer one where the axes differ. */
  readonly step: number;
}

/** Lays clusters on a regular grid, their colours still 0. */
export function seedClusters(height: number, width: number, numSegments: number): Clusters {
  const [rows, columns] = seedPlaces(height, width, numSegments);
  const clusters = new Float64Array(rows.places.length * columns.places.length * FEATURES);
  let at = 0;
  for (const y of rows.places) {
    for (const x of columns.places) {
      clusters[at] = y;
      clusters[at + 1] = x;
      at += FEATURES;
    }
  }
  return {clusters, step: Math.max(rows.step, columns.step)};
}

/**
 * Moves the clusters, round after round: pixels go to the nearest cluster, clusters to the mean of
 * their pixels. Pauses before every round.
 *
 * @param image Its colours divided by the compactness.
 * @param start Changed: holds the last means afterwards.
 * @returns The cluster of each pixel.
 */
export function* runRounds(image: LabImage, start: Clusters, numIterations: number): Pausable<Int32Array> {
  const labels = new Int32Array(image.height * image.width).fill(-1);
  for (let round = 0; round < numIterations; round++) {
    yield;
    assign(image, start, labels);
    average(image, start.clusters, labels);
  }
  return labels;
}

interface Places {
  readonly step: number;
  readonly places: readonly number[];
}

/** Equal steps along both axes; an axis shorter than the step gets one row, and the other all clusters. */
function seedPlaces(height: number, width: number, numSegments: number): [Places, Places] {
  if (height * width <= numSegments) return [everyStep(height, 1, 0), everyStep(width, 1, 0)];
  const wanted = Math.sqrt((height * width) / numSegments);
  const stepY = height < wanted ? height : width < wanted ? height / numSegments : wanted;
  const stepX = width < wanted ? width : height < wanted ? width / numSegments : wanted;
  return [everyStep(height, roundToEven(stepY), Math.floor(stepY / 2)), everyStep(width, roundToEven(stepX), Math.floor(stepX / 2))];
}

function everyStep(size: number, step: number, start: number): Places {
  const places: number[] = [];
  for (let place = start; place < size; place += step) places.push(place);
  return {step, places};
}

/** Rounds halves to even, as numpy does. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/** Gives each pixel the label of its nearest cluster; one out of everyone's reach keeps its label. */
function assign({data, height, width}: LabImage, {clusters, step}: Clusters, labels: Int32Array): void {
  const nearest = new Float64Array(height * width).fill(Infinity);
  const spatial = 1 / (step * step);
  for (let cluster = 0; cluster * FEATURES < clusters.length; cluster++) {
    const [cy, cx, l, a, b] = clusters.subarray(cluster * FEATURES) as unknown as [number, number, number, number, number];
    const top = Math.trunc(Math.max(cy - 2 * step, 0));
    const bottom = Math.trunc(Math.min(cy + 2 * step + 1, height));
    const left = Math.trunc(Math.max(cx - 2 * step, 0));
    const right = Math.trunc(Math.min(cx + 2 * step + 1, width));
    for (let y = top; y < bottom; y++) {
      for (let x = left, pixel = y * width + left; x < right; x++, pixel++) {
        const dl = (data[pixel * 3] as number) - l;
        const da = (data[pixel * 3 + 1] as number) - a;
        const db = (data[pixel * 3 + 2] as number) - b;
        const distance = ((cy - y) * (cy - y) + (cx - x) * (cx - x)) * spatial + dl * dl + da * da + db * db;
        if (distance < (nearest[pixel] as number)) {
          nearest[pixel] = distance;
          labels[pixel] = cluster;
        }
      }
    }
  }
}

/** Moves each cluster to the mean of its pixels; one that lost them all becomes NaN and wins no more. */
function average({data, width}: LabImage, clusters: Float64Array, labels: Int32Array): void {
  const counts = new Float64Array(clusters.length / FEATURES);
  clusters.fill(0);
  const add = (index: number, value: number): void => {
    clusters[index] = (clusters[index] as number) + value;
  };
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const cluster = labels[pixel] as number;
    const at = cluster * FEATURES;
    counts[cluster] = (counts[cluster] as number) + 1;
    add(at, Math.floor(pixel / width));
    add(at + 1, pixel % width);
    for (let channel = 0; channel < 3; channel++) add(at + 2 + channel, data[pixel * 3 + channel] as number);
  }
  for (let index = 0; index < clusters.length; index++) {
    clusters[index] = (clusters[index] as number) / (counts[Math.floor(index / FEATURES)] as number);
  }
}
