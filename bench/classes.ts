/**
 * Whether a map is of the class that was asked for: two photographs side by side in one picture, each with the class that
 * the teacher gives it alone. The map for a class should lie on the half that shows it. `--models a,b`, `--pairs N`.
 */
import {parseArgs} from 'node:util';
import {argMax, concat, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  energyInside,
  gradCamExplainer,
  selectBackend,
  teacherFromLayersModel,
  toNetworkInput,
  type Explainer,
  type Teacher,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {resizeBilinear} from '../src/data/index.js';
import {join} from 'node:path';
import {loadModel} from './data.js';
import {qualityCases} from './quality-cases.js';
import type {BenchResult, BenchRow} from './report.js';

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {models: {type: 'string', default: 'mobilenet_v1_025_128,mobilenet_v2_100_224'}, pairs: {type: 'string', default: '50'}},
  });
  await selectBackend({prefer: ['tfjs-node', 'wasm']});
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const name of values.models.split(',')) {
    const entry = qualityCases[name];
    if (entry === undefined) throw new RangeError(`--models must name ${Object.keys(qualityCases).join(', ')}, but names '${name}'.`);
    const model = await loadModel(name);
    const teacher = teacherFromLayersModel(model, {preprocessing: entry.preprocessing, name});
    const ours = await AttentiveDistiller.load(`file://${join(import.meta.dirname, 'explainers', name)}`, {teacher});
    const {images} = await entry.measured(2 * Number(values.pairs));
    const shares = new Map<string, {right: number; share: number}[]>();
    for (let first = 0; first + 1 < images.length; first += 2) {
      const [left, right] = [toNetworkInput(at(images, first), teacher), toNetworkInput(at(images, first + 1), teacher)];
      const classes = [await decision(teacher, left), await decision(teacher, right)] as const;
      const both = sideBySide(left, right);
      if (classes[0] !== classes[1]) {
        for (const [method, explainer] of Object.entries<Explainer>({ours, 'Grad-CAM': gradCamExplainer(teacher)})) {
          const found = shares.get(method) ?? [];
          found.push(await onTheirHalves(explainer, both, classes));
          shares.set(method, found);
        }
      }
      for (const each of [left, right, both]) each.dispose();
    }
    for (const [method, found] of shares) {
      const meanOf = (value: (each: (typeof found)[number]) => number): number =>
        found.reduce((sum, each) => sum + value(each), 0) / found.length;
      const [share, right] = [meanOf((each) => each.share), meanOf((each) => each.right)];
      rows.push({teacher: name, method, pairs: found.length, 'share on its half': share, 'both on their halves': right});
      ratios[`classes.${method.replace('-', '')}.${name}`] = right;
    }
    ours.dispose();
    model.dispose();
  }
  return {rows, ratios};
}

async function decision(teacher: Teacher, image: Tensor4D): Promise<number> {
  const best = tidy(() => argMax(teacher.logits(image), -1));
  const [index = 0] = await best.data();
  best.dispose();
  return index;
}

/** Both pictures at half their width, in one. */
function sideBySide(left: Tensor4D, right: Tensor4D): Tensor4D {
  const [, height, width] = left.shape;
  const half = Math.floor(width / 2);
  return tidy(() => concat([resizeBilinear(left, [height, half]), resizeBilinear(right, [height, width - half])], 2));
}

/** The share of each class's map on the half that shows it, averaged; and whether both have more than half there. */
async function onTheirHalves(
  explainer: Explainer,
  both: Tensor4D,
  classes: readonly [number, number],
): Promise<{right: number; share: number}> {
  const maps = [at(await explainer.explain(both, {target: classes[0]}), 0), at(await explainer.explain(both, {target: classes[1]}), 0)];
  const shares = maps.map((map, side) => {
    const half = Uint8Array.from(map.data, (_, pixel) => Number(pixel % map.width < map.width / 2 === (side === 0)));
    return energyInside(map, half).share;
  });
  return {share: (at(shares, 0) + at(shares, 1)) / 2, right: Number(shares.every((share) => share > 0.5))};
}
