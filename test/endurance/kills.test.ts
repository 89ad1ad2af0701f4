/** Killed at any moment, a training goes on from its last state, and a save is the old one or the new one. */
import {existsSync} from 'node:fs';
import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {afterAll, describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {loadArtifacts} from '../../src/files/artifact-store.js';
import {rounds} from '../helpers/environment.js';
import {programOf, type Running} from './program.js';

const root = await mkdtemp(join(tmpdir(), 'kills-'));
afterAll(() => rm(root, {recursive: true}));

/** Kills a process after a time that is drawn, once it has said where it stands. */
async function killed(running: Running, random: Random, milliseconds: number): Promise<boolean> {
  await Promise.race([pause(random.uniform(0, milliseconds)), running.ended]);
  running.kill();
  return (await running.ended) === null;
}

describe('kill -9 while training', () => {
  const kills = rounds(500, 12);

  it(`${kills} times: what is lost is at most what came after the last state, and the end is the same bit for bit`, async () => {
    const program = await programOf('training-program');
    const random = new Random(3);
    const whole = program.start([join(root, 'whole')]);
    const expected = await whole.said('end');
    expect(await whole.ended).toBe(0);
    expect(whole.lines.filter((line) => line.startsWith('step')).length).toBeGreaterThan(30);
    let done = 0;
    let finished = 0;
    for (let run = 0; done < kills || finished === 0; run++) {
      const folder = join(root, `run-${run}`);
      for (let reached = 0; ;) {
        const running = program.start([folder]);
        const from = Number((await running.said('from')).slice(5));
        expect(from, `run ${run}`).toBeGreaterThanOrEqual(reached - 2);
        if (done >= kills) expect(await running.ended).toBe(0);
        else if (await killed(running, random, 700)) done++;
        const last = running.lines.at(-1)!;
        if (last.startsWith('end')) {
          expect(last, `run ${run}`).toBe(expected);
          finished++;
          break;
        }
        reached = Math.max(reached, from, ...running.lines.filter((line) => line.startsWith('step')).map((line) => Number(line.slice(5))));
      }
      await rm(folder, {recursive: true, force: true});
    }
    console.log(`kill -9 while training: ${done} kills, ${finished} trainings brought to their end, all equal.`);
    await program.remove();
  });
});

describe('kill -9 while saving', () => {
  const kills = rounds(500, 20);

  it(`${kills} times: the folder holds one of the two saves, whole, and no heap of leftovers`, async () => {
    const program = await programOf('saving-program');
    const random = new Random(4);
    const folder = join(root, 'saves');
    const seen = new Map<number, number>();
    for (let done = 0; done < kills;) {
      const running = program.start([folder]);
      await running.said(existsSync(folder) ? 'ready' : 'saved');
      if (await killed(running, random, 120)) done++;
      const {userDefinedMetadata} = await loadArtifacts('test', `file://${folder}`);
      const {seed} = userDefinedMetadata as unknown as {seed: number};
      expect([1, 2]).toContain(seed);
      seen.set(seed, (seen.get(seed) ?? 0) + 1);
      expect((await readdir(folder)).length, (await readdir(folder)).join(', ')).toBeLessThan(8);
    }
    expect(seen.size).toBe(2);
    console.log(`kill -9 while saving: ${kills} kills, the folder then held the first ${seen.get(1)} and the second ${seen.get(2)} times.`);
    await program.remove();
  });
});
