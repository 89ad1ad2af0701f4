/**
 * Where attention can be put into a graph that was not made for it: at values through which
 * everything flows, so that residual and concatenating branches see the attended features too.
 */
import {at} from '../../core/at.js';
import {isOfKind} from './layer-kinds.js';
import type {GraphPlan, Step} from './plan.js';
import {tokenGrid, type TokenGrid} from './token-grid.js';

/** A place where a CBAM can be inserted: the output of a step. */
export interface CutPoint {
  readonly step: Step;
  readonly height: number;
  readonly width: number;
  /** Where its output is tokens `[N,T,D]`: how they lie in the image. */
  readonly tokens?: TokenGrid | undefined;
}

/**
 * Lists the feature maps, and the tokens of transformers, that every path from input to output passes, in order. In a topological
 * order those are the steps over which no edge jumps.
 */
export function cutPoints(plan: GraphPlan): CutPoint[] {
  const lastReader = new Map<number, number>();
  plan.steps.forEach((step, position) => {
    for (const slot of step.inputs) lastReader.set(slot, position);
  });
  const cuts: CutPoint[] = [];
  // The furthest step that reads anything made before the step at hand; the input counts too.
  let reach = Math.max(...plan.inputs.map((slot) => lastReader.get(slot) ?? -1));
  for (const [position, step] of plan.steps.entries()) {
    const [, height, width] = step.outputShape;
    const isMap = step.outputShape.length === 4 && typeof height === 'number' && typeof width === 'number' && height * width > 1;
    const isResult = step.outputs.some((slot) => plan.outputs.includes(slot));
    // What only moves or reshapes values belongs to the next convolution, not to a scale.
    const computes = !isOfKind(step.className, 'moving', 'reshaping', 'input');
    const canCut = reach <= position && !isResult && step.outputs.length === 1 && computes;
    const tokens = canCut ? tokenGrid(plan, step) : undefined;
    if (canCut && isMap) cuts.push({step, height, width});
    if (tokens !== undefined) cuts.push({step, height: tokens.height, width: tokens.width, tokens});
    reach = Math.max(reach, ...step.outputs.map((slot) => lastReader.get(slot) ?? -1));
  }
  return cuts;
}

/**
 * Picks cut points: the last one at each of the coarsest scales, a scale being a power of two below the input. A
 * network with fewer scales gives evenly spread ones. Finest first.
 *
 * @returns `count` cut points, or fewer if the graph has no more.
 */
export function coarsestScales(cuts: readonly CutPoint[], inputHeight: number, count: number): CutPoint[] {
  const last = [...lastByScale(cuts, inputHeight).values()].slice(-count);
  if (last.length === count || cuts.length < count) return last;
  const end = cuts.length - 1;
  return Array.from({length: count}, (_, index) => at(cuts, Math.floor(((index + 1) * end) / count)));
}

// As many as a backbone has from a quarter of the input downwards.
const USUAL_SCALES = 4;
const LEAST_PYRAMID = 3;

/** Picks cut points at the four coarsest scales, or all three; a network with fewer scales gives up to four evenly spread ones. */
export function usualScales(cuts: readonly CutPoint[], inputHeight: number): CutPoint[] {
  const {size} = lastByScale(cuts, inputHeight);
  return coarsestScales(cuts, inputHeight, Math.min(USUAL_SCALES, size >= LEAST_PYRAMID ? size : cuts.length));
}

function lastByScale(cuts: readonly CutPoint[], inputHeight: number): Map<number, CutPoint> {
  return new Map(cuts.map((cut) => [Math.round(Math.log2(inputHeight / cut.height)), cut]));
}
