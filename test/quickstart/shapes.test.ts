import {describe, expect, it} from 'vitest';
import {classNames, generateShape, seeds, SIZE} from '../../quickstart/shapes.js';
import {teacherBatch} from '../../quickstart/teacher-batch.js';

const dilate = (mask: Uint8Array): Uint8Array =>
  mask.map((_, pixel) => {
    const x = pixel % SIZE;
    const y = Math.floor(pixel / SIZE);
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const inside = x + dx >= 0 && x + dx < SIZE && y + dy >= 0 && y + dy < SIZE;
        if (inside && mask[pixel + dy * SIZE + dx] === 1) return 1;
      }
    }
    return 0;
  });

describe('the quickstart pictures', () => {
  it('depend on seed and index alone', () => {
    const later = generateShape(seeds.train, 100);
    generateShape(seeds.test, 5);
    expect(generateShape(seeds.train, 100)).toEqual(later);
    expect(generateShape(seeds.train, 101).image.data).not.toEqual(later.image.data);
    expect(generateShape(seeds.test, 100).image.data).not.toEqual(later.image.data);
  });

  it('hold every class once in eight in a row, in changing order', () => {
    const labels = Array.from({length: 80}, (_, index) => generateShape(seeds.validation, index).label);
    for (let block = 0; block < 10; block++) {
      const sorted = labels.slice(block * 8, block * 8 + 8).sort((a, b) => a - b);
      expect(sorted).toEqual(classNames.map((_, label) => label));
    }
    expect(labels.slice(0, 8)).not.toEqual(labels.slice(8, 16));
  });

  it('differ from the same picture without its sign within the evidence only', () => {
    for (let index = 0; index < 96; index++) {
      const {image, evidence, label} = generateShape(seeds.test, index);
      const without = generateShape(seeds.test, index, {withoutSign: true});
      expect(without.evidence).toEqual(evidence);
      const near = dilate(evidence);
      let changed = 0;
      for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
        const differs = [0, 1, 2].some((channel) => image.data[pixel * 3 + channel] !== without.image.data[pixel * 3 + channel]);
        if (differs && near[pixel] === 0)
          expect.fail(`picture ${index} (${classNames[label]}) differs at pixel ${pixel}, outside its evidence`);
        if (differs && evidence[pixel] === 1) changed++;
      }
      const total = evidence.reduce((sum, value) => sum + value, 0);
      // Frame and ring have a hole, which belongs to the silhouette.
      expect(changed / total, classNames[label]!).toBeGreaterThan(['frame', 'ring'].includes(classNames[label]!) ? 0.6 : 0.95);
      expect(total).toBeGreaterThan(40);
      expect(total).toBeLessThan(300);
    }
  });
});

describe('the training batches', () => {
  it('do not depend on how they are cut', () => {
    const whole = teacherBatch(seeds.train, 0, 12);
    const part = teacherBatch(seeds.train, 5, 4);
    expect(part.images).toEqual(whole.images.slice(5 * SIZE * SIZE * 3, 9 * SIZE * SIZE * 3));
    expect(part.targets).toEqual(whole.targets.slice(5 * 8, 9 * 8));
  });

  it('hold normalised pixels and probabilities', () => {
    const {images, targets} = teacherBatch(seeds.train, 0, 64);
    expect(images.every((value) => value >= -1 && value <= 1)).toBe(true);
    for (let item = 0; item < 64; item++) {
      expect(targets.slice(item * 8, item * 8 + 8).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    }
  });
});
