/**
 * Images of which parts are hidden, or that are mixed with another one: what a student of a black box learns on besides
 * whole images, since it has to score masked ones in its teacher's place. The teacher answers for anything.
 */
import {add, gather, mul, sub, tensor1d, tensor4d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import type {Random} from '../../core/random.js';
import {resizeBilinear} from '../../data/resize.js';
import {baselineKinds, randomBaselines} from '../../queries/random-baselines.js';

// Out of four images two stay whole, one (1) has parts hidden, and one (2) is mixed with another of the batch.
const KINDS = 4;
// Cells along each side of the coarse masks: what lies between is interpolated.
const CELLS = 6;
// How sharply a mask cuts, around a random level.
const SHARPNESS = 12;

/**
 * Hides parts of the images of a batch.
 *
 * @param images `[N,H,W,C]`, borrowed.
 * @param random Stream of the draw; image i has one of its own.
 * @returns `[N,H,W,C]`, the caller's.
 */
export function hideParts(images: Tensor4D, random: Random): Tensor4D {
  const [count, height, width] = images.shape;
  return tidy(() => {
    const draws = Array.from({length: count}, (_, index) => {
      const own = random.split(index);
      const kind = own.int(KINDS);
      const [level, partner, isSmooth] = [own.uniform(0.2, 0.8), own.int(count), own.next() < 0.5];
      const cell = (): number => (kind === 0 || kind === 3 ? 1 : kind === 2 && isSmooth ? level : sharp(own.next() - level));
      return {kind, partner, cells: Array.from({length: CELLS * CELLS}, cell)};
    });
    const coarse = tensor4d(
      draws.flatMap(({cells}) => cells),
      [count, CELLS, CELLS, 1],
    );
    const shown = resizeBilinear(coarse, [height, width]);
    const baseline = at(randomBaselines(images, baselineKinds, random.split('hidden'), 1), 0);
    const others = gather(
      images,
      tensor1d(
        draws.map(({partner}) => partner),
        'int32',
      ),
    );
    const mixes = tensor4d(
      draws.map(({kind}) => Number(kind === 2)),
      [count, 1, 1, 1],
    );
    const behind = add<Tensor4D>(mul(others, mixes), mul(baseline, sub(1, mixes)));
    return add<Tensor4D>(mul(images, shown), mul(behind, sub(1, shown)));
  });
}

function sharp(difference: number): number {
  return 1 / (1 + Math.exp(-SHARPNESS * difference));
}
