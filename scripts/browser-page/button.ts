/** A page that trains while its user clicks: one button counts clicks, the other stops the training. */
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import {memory} from '@tensorflow/tfjs-core';
import {loadLayersModel} from '@tensorflow/tfjs-layers';
import {AttentiveDistiller, batchesOf, selectBackend} from 'attentive-distiller';
import {generateShape, seeds} from '../../quickstart/shapes.js';

/** What the page has seen when the training has ended. */
export interface ButtonResult {
  readonly clicks: number;
  readonly steps: number;
  /** Whether the training ended with the reason that the button gave. */
  readonly isStopped: boolean;
  /** Milliseconds from the click to the end of the training, and the longest step before. */
  readonly stoppedAfter: number;
  readonly longestStep: number;
  readonly tensorsLeft: number;
}

declare global {
  var trainUntilStopped: () => Promise<ButtonResult>;
}

const button = (id: string): HTMLButtonElement => {
  const made = Object.assign(document.createElement('button'), {id, textContent: id});
  document.body.append(made);
  return made;
};
const count = button('count');
const stop = button('stop');

globalThis.trainUntilStopped = async () => {
  setWasmPaths('/');
  await selectBackend({prefer: ['wasm']});
  const teacher = await loadLayersModel('/teacher/model.json');
  const pictures = Array.from({length: 64}, (_, index) => generateShape(seeds.validation, index).image);
  const distiller = await AttentiveDistiller.create({teacher, preprocessing: 'tf', seed: 0});
  const controller = new AbortController();
  const reason = new Error('stopped by the button');
  let [clicks, steps, stoppedAt, longestStep, last] = [0, 0, NaN, 0, performance.now()];
  count.onclick = () => (count.textContent = `count ${++clicks}`);
  stop.onclick = () => {
    stoppedAt = performance.now();
    controller.abort(reason);
  };
  const before = memory().numTensors;
  let ended: unknown;
  try {
    await distiller.train(batchesOf(pictures, {batchSize: 8, seed: 0}), {
      budget: {steps: 100_000},
      signal: controller.signal,
      onProgress: ({done}) => {
        steps = done;
        document.title = `step ${done}`;
        longestStep = Math.max(longestStep, performance.now() - last);
        last = performance.now();
      },
    });
  } catch (error) {
    ended = error;
  }
  const stoppedAfter = performance.now() - stoppedAt;
  // What the optimiser and the means held is free, and the explainer works.
  const tensorsLeft = memory().numTensors - before;
  await distiller.explain(pictures.slice(0, 1));
  distiller.dispose();
  return {clicks, steps, isStopped: ended === reason, stoppedAfter, longestStep, tensorsLeft};
};
