/**
 * Noisy linear imputation (Rong et al. 2022, "ROAD"): every hidden pixel is the weighted mean of its
 * neighbours, hidden ones too, so that what is hidden leaves no edge. That is a linear system, symmetric and positive
 * definite, which conjugate gradients solve here; their preconditioner is a cycle from fine to coarse grids and back
 * (bilinear, one sweep of Gauss–Seidel each way), so that few steps do, however large the hole.
 */

import type {Pausable} from '../core/in-turns.js';

/** Weight of the pixel beside, above or below; that of a diagonal one is half of it, so that eight make 1. */
const DIRECT = 1 / 6;
const DIAGONAL = 1 / 12;
/** The largest last step of a pixel, as a fraction of the range of the values: a tenth of the noise. */
export const IMPUTE_TOLERANCE: number = 1e-3;
// Some ten suffice; this only keeps rounding from going on for ever.
const MAX_STEPS = 200;

/** One grid of the cycle. Its planes have a border of one cell that is always 0. */
interface Grid {
  readonly height: number;
  readonly width: number;
  /** Cells per line with the border. */
  readonly stride: number;
  /** Where in a plane the hidden cells are, rising. */
  readonly hidden: Int32Array;
  /** 1 where a cell is hidden. */
  readonly isHidden: Uint8Array;
  /** Sum of the weights of a hidden cell's neighbours: 1 inside, less at the border. */
  readonly weights: Float64Array;
  readonly right: Float64Array;
  readonly solution: Float64Array;
  readonly residual: Float64Array;
  /** Four cells of the next grid for each hidden one. */
  parents: Int32Array;
}

/**
 * Fills the hidden pixels of one image in; pauses before every step of the solution.
 *
 * @param values `H · W · C` values, channels last; not changed.
 * @param hidden Per pixel: 0 where it is known. If none is, every pixel is the image's mean colour.
 * @returns New values: the same where nothing is hidden. The last step towards
 *   the solution, an estimate of the error before it, was no larger than {@link IMPUTE_TOLERANCE}.
 */
export function* imputePixels(
  values: ArrayLike<number>,
  hidden: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
): Pausable<Float32Array> {
  const filled = Float32Array.from(values);
  const grids = gridsOf(hidden, height, width);
  const [grid] = grids as [Grid, ...Grid[]];
  const numHidden = grid.hidden.length;
  if (numHidden === 0) return filled;
  const isWhole = numHidden === height * width;
  const [low, high] = rangeOf(values);
  const plane = new Float64Array(grid.isHidden.length);
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (let row = 0, from = channel; row < height; row++) {
      const first = (row + 1) * grid.stride + 1;
      for (let place = first; place < first + width; place++, from += channels) {
        const value = filled[from] as number;
        plane[place] = value;
        if (isWhole || grid.isHidden[place] === 0) sum += value;
      }
    }
    const start = sum / (isWhole ? numHidden : height * width - numHidden);
    for (const place of grid.hidden) plane[place] = start;
    if (!isWhole) yield* solve(grids, plane, IMPUTE_TOLERANCE * (high - low));
    for (let at = 0; at < numHidden; at++) {
      const place = grid.hidden[at] as number;
      const row = Math.floor(place / grid.stride) - 1;
      const column = place - (row + 1) * grid.stride - 1;
      filled[(row * width + column) * channels + channel] = plane[place] as number;
    }
  }
  return filled;
}

/** The smallest and the largest value. */
export function rangeOf(values: ArrayLike<number>): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < values.length; index++) {
    low = Math.min(low, values[index] as number);
    high = Math.max(high, values[index] as number);
  }
  return [low, high];
}

/** The grids from fine to coarse: a cell is hidden where all its four are, until none is. */
function gridsOf(hidden: ArrayLike<number>, height: number, width: number): Grid[] {
  const grids = [gridOf(hidden, height, width)];
  for (let fine = grids[0] as Grid; fine.hidden.length > 0 && fine.height * fine.width > 1; fine = grids.at(-1) as Grid) {
    const size = [Math.ceil(fine.height / 2), Math.ceil(fine.width / 2)] as const;
    const coarse = new Uint8Array(size[0] * size[1]).fill(1);
    for (let row = 0; row < fine.height; row++) {
      const first = (row + 1) * fine.stride + 1;
      for (let column = 0; column < fine.width; column++) {
        if (fine.isHidden[first + column] === 0) coarse[(row >> 1) * size[1] + (column >> 1)] = 0;
      }
    }
    grids.push(gridOf(coarse, ...size));
    fine.parents = parentsOf(fine, grids.at(-1) as Grid);
  }
  return grids;
}

function gridOf(hidden: ArrayLike<number>, height: number, width: number): Grid {
  const stride = width + 2;
  const plane = (): Float64Array => new Float64Array(stride * (height + 2));
  const isHidden = new Uint8Array(stride * (height + 2));
  const inside = plane();
  const places = new Int32Array(height * width);
  let count = 0;
  for (let row = 0, pixel = 0; row < height; row++) {
    const first = (row + 1) * stride + 1;
    inside.fill(1, first, first + width);
    for (let place = first; place < first + width; place++, pixel++) {
      if (hidden[pixel] === 0) continue;
      isHidden[place] = 1;
      places[count++] = place;
    }
  }
  const weights = new Float64Array(count);
  for (let at = 0; at < count; at++) weights[at] = aroundOf(inside, places[at] as number, stride);
  return {
    height,
    width,
    stride,
    hidden: places.subarray(0, count),
    isHidden,
    weights,
    right: plane(),
    solution: plane(),
    residual: plane(),
    parents: new Int32Array(0),
  };
}

/** The weighted sum of a cell's eight neighbours. */
function aroundOf(plane: Float64Array, place: number, stride: number): number {
  const [above, below] = [place - stride, place + stride];
  return (
    DIRECT * ((plane[above] as number) + (plane[below] as number) + (plane[place - 1] as number) + (plane[place + 1] as number)) +
    DIAGONAL * ((plane[above - 1] as number) + (plane[above + 1] as number) + (plane[below - 1] as number) + (plane[below + 1] as number))
  );
}

/** Conjugate gradients for the hidden cells of a plane, from what stands there. */
function* solve(grids: readonly Grid[], plane: Float64Array, tolerance: number): Pausable<void> {
  const [grid] = grids as readonly [Grid, ...Grid[]];
  const {hidden, weights, stride, right: residual, solution: step} = grid;
  const direction = new Float64Array(plane.length);
  const moved = new Float64Array(hidden.length);
  // What is known enters through the neighbours; from here on only hidden cells are not 0.
  for (let at = 0; at < hidden.length; at++) {
    const place = hidden[at] as number;
    residual[place] = aroundOf(plane, place, stride) - (weights[at] as number) * (plane[place] as number);
  }
  let before = 0;
  for (let round = 0; round < MAX_STEPS; round++) {
    yield;
    cycle(grids, 0); // `step` now is nearly the whole error.
    let [largest, product] = [0, 0];
    for (const place of hidden) {
      largest = Math.max(largest, Math.abs(step[place] as number));
      product += (step[place] as number) * (residual[place] as number);
    }
    if (largest <= tolerance) {
      for (const place of hidden) plane[place] = (plane[place] as number) + (step[place] as number);
      return;
    }
    const kept = round === 0 ? 0 : product / before;
    before = product;
    for (const place of hidden) direction[place] = (step[place] as number) + kept * (direction[place] as number);
    let curvature = 0;
    for (let at = 0; at < hidden.length; at++) {
      const place = hidden[at] as number;
      const along = direction[place] as number;
      moved[at] = (weights[at] as number) * along - aroundOf(direction, place, stride);
      curvature += along * (moved[at] as number);
    }
    const length = product / curvature;
    for (let at = 0; at < hidden.length; at++) {
      const place = hidden[at] as number;
      plane[place] = (plane[place] as number) + length * (direction[place] as number);
      residual[place] = (residual[place] as number) - length * (moved[at] as number);
    }
  }
}

/** Solves for `right` approximately, into `solution`; symmetric, as conjugate gradients need it. */
function cycle(grids: readonly Grid[], level: number): void {
  const {hidden, weights, stride, right, solution, residual} = grids[level] as Grid;
  const last = hidden.length - 1;
  for (const place of hidden) solution[place] = 0;
  const relax = (at: number): void => {
    const place = hidden[at] as number;
    solution[place] = ((right[place] as number) + aroundOf(solution, place, stride)) / (weights[at] as number);
  };
  for (let at = 0; at <= last; at++) relax(at);
  const coarse = grids[level + 1];
  if (coarse !== undefined && coarse.hidden.length > 0) {
    for (let at = 0; at <= last; at++) {
      const place = hidden[at] as number;
      residual[place] =
        (right[place] as number) + aroundOf(solution, place, stride) - (weights[at] as number) * (solution[place] as number);
    }
    restrict(grids[level] as Grid, coarse);
    cycle(grids, level + 1);
    prolong(coarse, grids[level] as Grid);
  }
  for (let at = last; at >= 0; at--) relax(at);
}

/** Bilinear weights: beside the nearest coarse cell, and on the other side. */
const NEAR = 0.75;
const FAR = 0.25;

/** For every hidden cell of a grid, the four cells of the next one that it lies between: near, beside, above, across. */
function parentsOf(fine: Grid, coarse: Grid): Int32Array {
  const parents = new Int32Array(4 * fine.hidden.length);
  for (let at = 0; at < fine.hidden.length; at++) {
    const place = fine.hidden[at] as number;
    const row = Math.floor(place / fine.stride) - 1;
    const column = place - (row + 1) * fine.stride - 1;
    // The other neighbour lies on the side where the fine cell is; at the border it is the near one again.
    const [y, x] = [row >> 1, column >> 1];
    const otherY = Math.min(Math.max(y + (row & 1) * 2 - 1, 0), coarse.height - 1);
    const otherX = Math.min(Math.max(x + (column & 1) * 2 - 1, 0), coarse.width - 1);
    parents[4 * at] = (y + 1) * coarse.stride + x + 1;
    parents[4 * at + 1] = (y + 1) * coarse.stride + otherX + 1;
    parents[4 * at + 2] = (otherY + 1) * coarse.stride + x + 1;
    parents[4 * at + 3] = (otherY + 1) * coarse.stride + otherX + 1;
  }
  return parents;
}

/** The residual of the fine grid to the right side of the coarse one: the transpose of {@link prolong}. */
function restrict({hidden, parents, residual}: Grid, {right}: Grid): void {
  right.fill(0);
  for (let at = 0, four = 0; at < hidden.length; at++) {
    const value = residual[hidden[at] as number] as number;
    const near = parents[four++] as number;
    const beside = parents[four++] as number;
    const above = parents[four++] as number;
    const across = parents[four++] as number;
    right[near] = (right[near] as number) + NEAR * NEAR * value;
    right[beside] = (right[beside] as number) + NEAR * FAR * value;
    right[above] = (right[above] as number) + FAR * NEAR * value;
    right[across] = (right[across] as number) + FAR * FAR * value;
  }
}

/** Adds the solution of the coarse grid to that of the fine one. */
function prolong({solution: from}: Grid, {hidden, parents, solution}: Grid): void {
  for (let at = 0, four = 0; at < hidden.length; at++) {
    const place = hidden[at] as number;
    const near = NEAR * (from[parents[four++] as number] as number) + FAR * (from[parents[four++] as number] as number);
    const far = NEAR * (from[parents[four++] as number] as number) + FAR * (from[parents[four++] as number] as number);
    solution[place] = (solution[place] as number) + NEAR * near + FAR * far;
  }
}
