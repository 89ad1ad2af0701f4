/** What the workers of the tests are given: a small real model, and pictures that are drawn from their numbers. */
import {existsSync, writeFileSync} from 'node:fs';
import {setTimeout as pause} from 'node:timers/promises';
import {tensor3d} from '@tensorflow/tfjs-core';
import {installTrainingKernels, selectBackend} from 'attentive-distiller';
import {gradientSaliencyExplainer, randomExplainer} from 'attentive-distiller/baselines';
import {folderStore, type ShardParts, type ShardPlan, type ShardStore} from 'attentive-distiller/node';
import {pixels, SHAPE, tinyModel} from './tiny-model.js';

const {AKD_STORE = '.'} = process.env;

/** Where the shards are. */
export const store: ShardStore = folderStore(AKD_STORE);

/** Opens the model; says when a shard begins, waits, and fails once where the plan wants it. */
export async function open({settings, shards}: ShardPlan): Promise<ShardParts & {dispose(): void}> {
  const {pauseMs = 0, failOnce = -1} = (settings ?? {}) as {pauseMs?: number; failOnce?: number};
  await selectBackend({prefer: ['cpu']});
  installTrainingKernels();
  const model = tinyModel();
  return {
    model,
    explainers: {random: randomExplainer(model), gradient: gradientSaliencyExplainer(model)},
    read: async (_, index) => {
      const shard = shards.findIndex(({first}) => first === index);
      if (shard >= 0) {
        process.stdout.write(`begin ${shard}\n`);
        await pause(pauseMs);
        const marker = `${AKD_STORE}/failed-once`;
        if (shard === failOnce && !existsSync(marker)) {
          writeFileSync(marker, '');
          throw new Error('This shard fails once.');
        }
      }
      return tensor3d(pixels(index), [...SHAPE]);
    },
    dispose: () => void model.dispose(),
  };
}
