/** Which feature maps a class activation map looks at. */
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {listLayers, type LayerInfo} from '../../models/graph/execute-graph.js';
import {planGraph, slotsAt} from '../../models/graph/plan.js';

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
  const usable = featureMaps(model)
    .map((layer) => `'${layer.path}'`)
    .join(', ');
  const what = shapes.map((each) => `[N, ${each.slice(1).join(', ')}]`).join(' and ');
  throw new RangeError(
    `${where}: layer '${path}' must give one feature map [N, H, W, K] with H·W > 1, but gives ${what}. Such maps come from ${usable}.`,
  );
}

function featureMaps(model: LayersModel): LayerInfo[] {
  return listLayers(model).filter(
    ({outputShape: [, height, width], outputShape}) => outputShape.length === 4 && (height ?? Infinity) * (width ?? Infinity) > 1,
  );
}
