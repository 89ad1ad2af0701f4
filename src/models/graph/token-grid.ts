/** The tokens of a transformer as the pixels of a feature map: `[N,T,D]`, one token per patch, and maybe one for the class. */
import type {GraphPlan, Step} from './plan.js';

/** Where tokens lie in the image. */
export interface TokenGrid {
  readonly height: number;
  readonly width: number;
  /** Whether one token more comes first, which belongs to no patch. */
  readonly classToken: boolean;
}

/**
 * Finds the grid of a step's tokens: that of the last feature map before it with as many pixels; or a square.
 *
 * @returns `undefined` where its output is no list of tokens.
 */
export function tokenGrid(plan: GraphPlan, step: Step): TokenGrid | undefined {
  const [, tokens] = step.outputShape;
  if (step.outputShape.length !== 3 || typeof tokens !== 'number' || typeof step.outputShape[2] !== 'number' || tokens < 2)
    return undefined;
  const fits = (pixels: number): boolean => pixels === tokens || pixels === tokens - 1;
  const before = plan.steps.slice(0, plan.steps.indexOf(step)).reverse();
  for (const {outputShape} of before) {
    const [, height, width] = outputShape;
    if (outputShape.length !== 4 || typeof height !== 'number' || typeof width !== 'number') continue;
    // Patches come from the map that is nearest; of an earlier one the tokens are not made.
    return fits(height * width) && height * width > 1 ? {height, width, classToken: height * width < tokens} : undefined;
  }
  return undefined;
}
