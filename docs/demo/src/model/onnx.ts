/** Networks of ONNX, which run in ONNX Runtime: their scores can be asked, their gradients cannot. */
import {slice, type Tensor4D} from '@tensorflow/tfjs-core';
import {scoresFromOnnx, teacherFromScores, type ScoreFn} from 'attentive-distiller';
import type {Network, PreprocessingChoice} from './network.js';

interface About {
  readonly name: string;
  readonly choice: PreprocessingChoice;
  readonly labels: readonly string[] | undefined;
  readonly again: Network['again'];
}

/** Sides of an image where the model leaves them open. */
const USUAL_SIDE = 224;

export async function networkFromOnnx(bytes: Uint8Array, {name, choice, labels, again}: About): Promise<Network> {
  const [ort, {default: wasm}] = await Promise.all([
    import('onnxruntime-web/wasm'),
    import('onnxruntime-web/ort-wasm-simd-threaded.wasm?url'),
  ]);
  ort.env.wasm.wasmPaths = {wasm};
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes);
  const [input] = session.inputMetadata;
  if (input === undefined || !input.isTensor || input.shape.length !== 4)
    throw new Error(`An image classifier takes one batch of images [N,C,H,W] or [N,H,W,C]; ${name} takes something else.`);
  const sizes = input.shape.map((size) => (typeof size === 'number' && size > 0 ? size : undefined));
  const isChannels = (size: number | undefined): boolean => size === 1 || size === 3;
  const layout = isChannels(sizes[3]) && !isChannels(sizes[1]) ? 'NHWC' : 'NCHW';
  const [channels = 3, height = USUAL_SIDE, width = USUAL_SIDE] = layout === 'NCHW' ? sizes.slice(1) : [sizes[3], sizes[1], sizes[2]];

  const blank = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
  const results = await session.run({[input.name]: new ort.Tensor('float32', new Float32Array(channels * height * width), blank)});
  const first = results[session.outputNames[0] ?? '']?.data;
  if (!(first instanceof Float32Array)) throw new Error(`${name} must give scores as float32 values, one for each class, but does not.`);
  const isProbability =
    first.every((value) => value >= 0 && value <= 1) && Math.abs(first.reduce((sum, value) => sum + value, 0) - 1) < 1e-3;
  const activation = isProbability ? 'none' : first.length === 1 ? 'sigmoid' : 'softmax';

  const score = scoresFromOnnx(session, {Tensor: ort.Tensor as never, layout, activation});
  const preprocessing = choice === 'guess' ? (layout === 'NCHW' ? 'torch' : 'tf') : choice;
  const teacher = teacherFromScores(sizes[0] === 1 ? oneByOne(score) : score, {
    ...{inputShape: [height, width, channels] as const, numClasses: first.length, preprocessing, name},
    ...(labels && {labels}),
  });
  const guessed =
    choice === 'guess' ? `${preprocessing}, as most with ${layout === 'NCHW' ? 'channels first' : 'channels last'}` : preprocessing;
  return {name, isSample: false, teacher, preprocessing: guessed, again, dispose: () => void session.release()};
}

/** For models that were exported for one image at a time. */
function oneByOne(score: ScoreFn): ScoreFn {
  return async (batch) => {
    const rows: Float32Array[] = [];
    for (let index = 0; index < batch.shape[0]; index++) {
      const image = slice(batch, index, 1) as Tensor4D;
      try {
        rows.push((await score(image)) as Float32Array);
      } finally {
        image.dispose();
      }
    }
    return rows;
  };
}
