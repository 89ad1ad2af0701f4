/** Which feature maps a class activation map looks at. */
import {clone, tidy, type Tensor, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {listLayers, type LayerInfo} from '../../models/graph/execute-graph.js';
import {gridOfTokens} from '../../layers/token-grid.js';
import {planGraph, slotsAt} from '../../models/graph/plan.js';
import {tokenGrid, type TokenGrid} from '../../models/graph/token-grid.js';

/**
 * Resolves the option `layer`, which the schema has checked.
 *
 * @returns Paths, as asked for; without a wish the last layer in running order whose output is a feature
 *   map, `[N,H,W,K]` with H·W > 1 (a size that is left open counts).
 * @throws {LayerNotFoundError} If there is no layer of such a path; lists those that exist.
 * @throws {UnsupportedModelError} If there is no feature map at all.
 */
export function camLayers(where: string, model: LayersModel, layer: string | readonly string[] | undefined): readonly string[] {
  if (layer !== undefined) {
    const paths = typeof layer === 'string' ? [layer] : layer;
    const plan = planGraph(model);
    for (const path of paths) slotsAt(where, plan, path);
    return paths;
  }
  const last = featureMaps(model).at(-1);
  if (last === undefined)
    throw new UnsupportedModelError(
      `${where}: no layer of model '${model.name}' gives a feature map [N,H,W,K] with H·W > 1. gradientSaliency(), rise() and lime() need none.`,
    );
  return [last.path];
}

/** Puts paths into running order, so that a later map can be computed from an earlier one. */
export function inRunningOrder(model: LayersModel, paths: readonly string[]): readonly string[] {
  const all = listLayers(model).map(({path}) => path);
  // A nested model is done with its last layer.
  const position = (path: string): number => all.findLastIndex((each) => each === path || each.startsWith(`${path}/`));
  return [...paths].sort((a, b) => position(a) - position(b));
}

/**
 * Checks what a layer gave.
 *
 * @throws {RangeError} If it is no feature map; the message lists the layers that are.
 */
export function checkFeatureMap(where: string, model: LayersModel, path: string, shapes: readonly (readonly number[])[]): void {
  const [shape = []] = shapes;
  if (shapes.length === 1 && shape.length === 4 && at(shape, 1) * at(shape, 2) > 1) return;
  if (shapes.length === 1 && gridAt(model, path) !== undefined) return;
  const usable = featureMaps(model)
    .map((layer) => `'${layer.path}'`)
    .join(', ');
  const what = shapes.map((each) => `[N, ${each.slice(1).join(', ')}]`).join(' and ');
  throw new RangeError(
    `${where}: layer '${path}' must give one feature map [N, H, W, K] with H·W > 1, but gives ${what}. Such maps come from ${usable}.`,
  );
}

/** How the tokens of a transformer's layer lie in the image; `undefined` where its output is none. */
export function gridAt(model: LayersModel, path: string): TokenGrid | undefined {
  const plan = planGraph(model);
  const step = plan.steps.find((each) => each.path === path);
  return step && tokenGrid(plan, step);
}

/** A layer's output as a feature map; the caller's. */
export function asFeatureMap(output: Tensor4D, grid: TokenGrid | undefined): Tensor4D {
  return tidy(() => (grid === undefined ? clone(output) : (gridOfTokens(output as Tensor as Tensor3D, grid) as Tensor4D)));
}

function featureMaps(model: LayersModel): LayerInfo[] {
  const plan = planGraph(model);
  return plan.steps
    .filter(
      (step) =>
        (step.outputShape.length === 4 && (step.outputShape[1] ?? Infinity) * (step.outputShape[2] ?? Infinity) > 1) ||
        tokenGrid(plan, step) !== undefined,
    )
    .map(({path, className, outputShape}) => ({path, className, outputShape}));
}
