/** What black-box methods are measured against: as many plain forward passes, in batches of the same size. */
import {dispose, randomUniform, slice, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';

/** A model with one random batch to run it on. */
export interface PlainRun {
  /** Runs `images` images through `predict` and reads what comes out. */
  forward(images: number): Promise<void>;
  /** `[1,H,W,C]`, one of the images. */
  readonly image: Tensor4D;
  dispose(): void;
}

/** Prepares plain runs in batches of at most `batchSize`. The model is borrowed. */
export function plainRun(model: LayersModel, batchSize: number): PlainRun {
  const inputShape = (model.inputs[0] as LayersModel['inputs'][number]).shape.slice(1) as [number, number, number];
  const batch = randomUniform([batchSize, ...inputShape], -1, 1, 'float32', 1) as Tensor4D;
  const image = slice(batch, 0, 1);
  const forward = async (images: number): Promise<void> => {
    for (let done = 0; done < images; done += batchSize) {
      const part = images - done >= batchSize ? batch : slice(batch, 0, images - done);
      const scores = model.predict(part) as Tensor;
      await scores.data();
      dispose(part === batch ? scores : [scores, part]);
    }
  };
  return {forward, image, dispose: () => dispose([batch, image])};
}
