import '../helpers/use-wasm.js';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {camVariants} from '../../src/baselines/cam/variant.js';
import {classActivationMap} from '../../src/baselines/cam/class-activation-map.js';
import {gradCam} from '../../src/baselines/cam/grad-cam.js';
import {smoothGrad} from '../../src/baselines/gradient/smooth-grad.js';
import type {SaliencyMap} from '../../src/core/types.js';
import {loadLayersModelFromFiles} from '../../src/files/load-layers-model.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {decodeImage} from '../../src/node/decode-image.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';

const data = process.env['AKD_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
const folder = join(data, 'models/mobilenet_v1_025_128');
const photograph = join(data, 'images/classic/examples/both.png');
const present = existsSync(folder) && existsSync(photograph);
// A dog's face is in the upper half, a cat in the lower right quarter. ImageNet labels plus one for the background class.
const [boxer, bullMastiff, tabby, tigerCat] = [243, 244, 282, 283];

/** Row and column of the largest value, as parts of height and width. */
function peak({data: values, width, height}: SaliencyMap): {down: number; right: number} {
  const at = values.indexOf(Math.max(...values));
  return {down: Math.floor(at / width) / height, right: (at % width) / width};
}

describe.skipIf(!present)(
  `a photograph and a network with depthwise layers${present ? '' : ' (skipped: models and pictures of AKD_DATA are absent)'}`,
  () => {
    it('shows the dog for dogs and the cat for cats', {timeout: 240_000}, async () => {
      const model = await loadLayersModelFromFiles(folder);
      const before = await hashWeights(model);
      const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
      const picture = await decodeImage(photograph, {size: [128, 128]});
      const target = [boxer, bullMastiff, tabby, tigerCat];
      await expectNoLeak(async () => {
        // Two depthwise blocks before the last map, where cells are 8×8 and not 4×4.
        for (const variant of camVariants) {
          const maps = await gradCam([picture], teacher, {layer: 'conv_12_relu6', variant, target});
          for (const map of maps) expect([map.empty, map.height, map.width, map.method]).toEqual([false, 128, 128, variant]);
        }
        const maps = await gradCam([picture], teacher, {layer: 'conv_12_relu6', variant: 'layer-cam', target});
        maps.forEach((map, at) => {
          const {down, right} = peak(map);
          if (at < 2) expect(down, `class ${map.target}`).toBeLessThan(0.5);
          else expect([down > 0.5, right > 0.5], `class ${map.target}`).toEqual([true, true]);
        });

        const last = await gradCam([picture], teacher, {target});
        expect(last[0]!.options).toMatchObject({layer: 'conv_14_relu6', logit: "input of the softmax in 'softmax_1'"});
        const plain = await classActivationMap([picture], teacher, {target, relu: true});
        last.forEach((map, at) => expectClose(plain[at]!.data, map.data, {abs: 1e-4}, `plain CAM of class ${map.target}`));
        const smooth = await smoothGrad([picture], teacher, {numSamples: 2, batchSize: 2});
        expect(smooth[0]!.empty).toBe(false);
      });
      expect(await hashWeights(model)).toBe(before);
      model.dispose();
    });
  },
);
