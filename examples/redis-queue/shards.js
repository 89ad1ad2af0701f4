/**
 * How work is done: where plans and results lie, and what a plan needs. The workers import this module in their threads, on
 * every machine.
 */
import {gradCamExplainer, loadTeacher, randomExplainer, riseExplainer} from 'attentive-distiller';
import {folderStore} from 'attentive-distiller/node';
import {COLOURS, squareOn} from '../sample/squares.js';

/** A folder that all machines see. */
export const store = folderStore(process.env.STORE ?? 'out/shards');

/** @param {import('attentive-distiller/node').ShardPlan} plan */
export async function open(plan) {
  const {folder, numMasks} = /** @type {{folder: string, numMasks: number}} */ (plan.settings);
  const model = await loadTeacher(folder, {preprocessing: 'unit', labels: COLOURS});
  return {
    model,
    explainers: {
      RISE: riseExplainer(model, {numMasks}),
      'Grad-CAM': gradCamExplainer(model),
      random: randomExplainer(model),
    },
    // Without this, the files that the plan names are decoded.
    read: (_, index) => squareOn(index),
    dispose: () => model.dispose(),
  };
}
