/** Figures that say nothing about the class: discs, bars, blobs and squiggles. */
import type {Random} from '../src/core/random.js';
import {segmentDistance, type Distance} from './signs.js';

const SQUIGGLE_POINTS = 14;

/** Makes one figure within the unit circle; everything comes from `random`. */
export function makeDistractor(random: Random): Distance {
  const kinds = [makeDisc, makeBar, makeBlob, makeSquiggle];
  const make = kinds[random.int(kinds.length)] as (random: Random) => Distance;
  return make(random);
}

function makeDisc(random: Random): Distance {
  const radius = random.uniform(0.5, 0.95);
  return (x, y) => Math.sqrt(x * x + y * y) - radius;
}

function makeBar(random: Random): Distance {
  const thickness = random.uniform(0.18, 0.32);
  return (x, y) => segmentDistance(x, y, thickness - 1, 0, 1 - thickness, 0) - thickness;
}

/** A disc whose radius wavers; the distance is that of the disc, close enough for a smooth edge. */
function makeBlob(random: Random): Distance {
  const radius = random.uniform(0.55, 0.75);
  const waves = [2, 3, 5].map((count) => ({count, height: random.uniform(0.02, 0.2 / Math.sqrt(count)), phase: random.uniform(0, 7)}));
  return (x, y) => {
    const angle = Math.atan2(y, x);
    const wave = waves.reduce((sum, {count, height, phase}) => sum + height * Math.cos(count * angle + phase), 0);
    return Math.sqrt(x * x + y * y) - radius * (1 + wave);
  };
}

/** A thin wave of at least one and a quarter turns, so that it never passes for a crescent. */
function makeSquiggle(random: Random): Distance {
  const thickness = random.uniform(0.12, 0.18);
  const turns = random.uniform(1.25, 2);
  const height = random.uniform(0.25, 0.4);
  const points = Array.from({length: SQUIGGLE_POINTS}, (_, index): [number, number] => {
    const along = index / (SQUIGGLE_POINTS - 1);
    return [(2 * along - 1) * (0.95 - thickness), height * Math.sin(2 * Math.PI * turns * along)];
  });
  return (x, y) => {
    let nearest = Infinity;
    for (let index = 1; index < points.length; index++) {
      const [ax, ay] = points[index - 1] as [number, number];
      const [bx, by] = points[index] as [number, number];
      nearest = Math.min(nearest, segmentDistance(x, y, ax, ay, bx, by));
    }
    return nearest - thickness;
  };
}
