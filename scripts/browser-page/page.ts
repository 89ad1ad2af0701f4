/**
 * A page as a user of the package would write one: it loads a model from its server, distils it,
 * draws maps on canvases and downloads the result.
 */
import '@tensorflow/tfjs-backend-webgl';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import {loadLayersModel} from '@tensorflow/tfjs-layers';
import {
  AttentiveDistiller,
  batchesOf,
  gradCam,
  insertionScore,
  overlay,
  selectBackend,
  type BackendName,
  type SaliencyMap,
} from 'attentive-distiller';
import {evidenceShare} from 'attentive-distiller/metrics';
import {generateShape, seeds} from '../../quickstart/shapes.js';

/** What the script that opened the page asks of it. */
export interface PageTask {
  readonly backend: BackendName;
  readonly epochs: number;
  /** How many pictures it trains on. */
  readonly pictures: number;
}

/** What the page has seen. */
export interface PageResult {
  readonly backend: string;
  readonly unavailable: readonly string[];
  /** How many times more of the maps lies on the sign than chance would put there. */
  readonly ratio: number;
  readonly insertion: number;
  readonly seconds: number;
}

declare global {
  var runPage: (task: PageTask) => Promise<PageResult>;
}

const BATCH = 16;
const SHOWN = 4;

globalThis.runPage = async ({backend, epochs, pictures: count}) => {
  const started = performance.now();
  setWasmPaths('/');
  const selection = await selectBackend({prefer: [backend], allowSoftware: true});
  const model = await loadLayersModel('/teacher/model.json');
  const pictures = Array.from({length: count}, (_, index) => generateShape(seeds.validation, index));
  const batches = batchesOf(
    pictures.map(({image}) => image),
    {batchSize: BATCH, seed: 0, labels: pictures.map(({label}) => label)},
  );
  const distiller = await AttentiveDistiller.create({teacher: model, preprocessing: 'tf', seed: 0});
  await distiller.train(batches, {epochs: {student: 1, explanation: epochs}, learningRate: {explanation: 3e-3}});

  const unseen = Array.from({length: SHOWN}, (_, index) => generateShape(seeds.test, index));
  const images = unseen.map(({image}) => image);
  const maps = await distiller.explain(images);
  const beside = await gradCam(images, distiller.teacher);
  unseen.forEach((each, index) => {
    for (const map of [undefined, maps[index], beside[index]]) show(each.image, map);
  });
  const ratio = maps.reduce((sum, map, index) => sum + evidenceShare(map, unseen[index]?.evidence as Uint8Array).ratio, 0) / SHOWN;
  const scores = await insertionScore(images, maps, distiller.teacher, {stepSize: 256});
  await distiller.save('downloads://explainer');
  return {
    ...{backend: selection.backend, unavailable: selection.unavailable.map(({name, reason}) => `${name}: ${reason}`)},
    ...{ratio, insertion: scores.reduce((sum, {auc}) => sum + auc, 0) / SHOWN, seconds: (performance.now() - started) / 1000},
  };
};

function show(image: ReturnType<typeof generateShape>['image'], map: SaliencyMap | undefined): void {
  const {data, width, height} =
    map === undefined
      ? overlay(image, {data: new Float32Array(image.width * image.height), width: image.width, height: image.height}, {opacity: 0})
      : overlay(image, map, {opacity: 0.6});
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  canvas.style.cssText = 'width: 160px; image-rendering: pixelated; margin: 2px';
  canvas.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0);
  document.body.append(canvas);
}
