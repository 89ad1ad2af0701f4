/**
 * A live map over the picture of a camera. At first it is Grad-CAM's; meanwhile an explainer is distilled here in the page, and
 * takes over when it is ready. `?model=https://…/model.json` explains a model of yours, and distils on what the camera sees.
 */
/// <reference types="vite/client" />
import '@tensorflow/tfjs-backend-webgl';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import simdThreads from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import {AttentiveDistiller, batchesOf, draw, gradCamExplainer, loadTeacher, readImage, selectBackend} from 'attentive-distiller';
import {layersModel} from '../sample/layers-model.js';
import {COLOURS, squareOn} from '../sample/squares.js';

const canvas = document.querySelector('canvas');
const answer = document.querySelector('#answer');
const note = document.querySelector('#note');
const video = document.createElement('video');

try {
  await start();
} catch (error) {
  answer.textContent = `It does not work here: ${error.message}`;
  throw error;
}

async function start() {
  video.srcObject = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}});
  video.muted = true;
  video.playsInline = true;
  await video.play();

  setWasmPaths({
    'tfjs-backend-wasm.wasm': plain,
    'tfjs-backend-wasm-simd.wasm': simd,
    'tfjs-backend-wasm-threaded-simd.wasm': simdThreads,
  });
  const {backend} = await selectBackend();
  const address = new URLSearchParams(location.search).get('model');
  const teacher = await (address === null
    ? loadTeacher(sampleFiles(), {preprocessing: 'unit', labels: COLOURS})
    : loadTeacher(address, {preprocessing: 'tf'}));
  const gradCam = gradCamExplainer(teacher);

  const distiller = await AttentiveDistiller.create({teacher, seed: 1});
  const training = distiller.fit(address === null ? squares() : cameraFrames, {budget: {steps: 60}});
  for await (const {kind, done, total} of training) {
    if (kind === 'step') await show(gradCam, `Grad-CAM on ${backend}; distilling, step ${done} of ${total}`);
  }
  for (;;) await show(distiller, `distilled, on ${backend}`);

  /** Explains the frame that the camera sees now, and waits for the next. */
  async function show(explainer, how) {
    const before = performance.now();
    const frame = await readImage(video);
    const [map] = await explainer.explain([frame]);
    const milliseconds = performance.now() - before;
    draw(canvas, frame, map, {opacity: 0.6});
    answer.textContent = `${teacher.labels?.[map.target] ?? `class ${map.target}`} ${map.score.toFixed(2)}`;
    note.textContent = `${how}, ${milliseconds.toFixed(0)} ms a frame. Nothing leaves this page.`;
    await new Promise(requestAnimationFrame);
  }
}

/** The sample classifier, as if somebody had chosen its files. */
function sampleFiles() {
  return Object.entries(layersModel()).map(([name, content]) => new File([content], name));
}

function squares() {
  return batchesOf(
    Array.from({length: 64}, (_, index) => squareOn(index)),
    {batchSize: 8, seed: 1},
  );
}

/** An epoch: eight batches of what the camera sees. */
async function* cameraFrames() {
  for (let batch = 0; batch < 8; batch++) {
    const images = [];
    while (images.length < 8) {
      images.push(await readImage(video));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    yield {images};
  }
}
