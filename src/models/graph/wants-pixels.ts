/** Which values a network wants as input, as far as its layers tell. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {planGraph} from './plan.js';

/** Whether a network begins by scaling or normalising its input, and so wants pixels of 0–255. */
export function wantsPixels(model: LayersModel): boolean {
  const first = planGraph(model).steps.slice(0, 3);
  return first.some(({className}) => ['Rescaling', 'KerasRescaling', 'KerasNormalization', 'Normalization'].includes(className));
}
