/** `explain`, as a user runs it: photos in, overlays and a table out. */
import {mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {gradCam, insertionScore, loadTeacher, overlay, rise, type LoadedTeacher} from '../../src/index.js';
import {decodeImage} from '../../src/node/index.js';
import {patience} from '../helpers/environment.js';
import {startBackend} from '../helpers/start-backend.js';
import {jsonLines, runCommand, runHere, shapesModel, writeBroken, writeShapes, type Outcome} from '../helpers/command-line.js';

let folder: string;
let teacher: LoadedTeacher;
beforeAll(async () => {
  await startBackend('wasm');
  folder = await mkdtemp(join(tmpdir(), 'explain-'));
  await writeShapes(join(folder, 'photos'), 4);
  await writeBroken(join(folder, 'mixed/broken.jpg'));
  await writeShapes(join(folder, 'mixed'), 1);
  await mkdir(join(folder, 'empty'));
  await writeFile(join(folder, 'names.txt'), Array.from({length: 8}, (_, index) => `shape ${'abcdefgh'[index]}, nr${index}\n`).join(''));
  teacher = await loadTeacher(shapesModel, {preprocessing: 'tf'});
});
afterAll(async () => {
  teacher.dispose();
  await rm(folder, {recursive: true});
});

const model = ['--model', shapesModel, '--preprocessing', 'tf', '--backend', 'wasm'];
const explain = (...args: string[]): Promise<Outcome> => runHere(['explain', ...args, ...model], {cwd: folder});

describe('attentive-distiller explain', {timeout: patience}, () => {
  it('writes an overlay and a line for each picture, with the numbers of the library', async () => {
    const {code, stdout, stderr} = await runCommand(['explain', 'photos', ...model], {cwd: folder});
    expect(stderr).toMatch(/Backend: wasm\.\nMethod: grad-cam\./);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^photo +class +score +overlay\n/);
    const lines = jsonLines(await readFile(join(folder, 'maps/explanations.jsonl'), 'utf8'));
    expect(lines.map(({file, map}) => [file, map])).toEqual(
      ['a/0', 'a/2', 'b/1', 'b/3'].map((name) => [`photos/${name}.png`, `${name}.png`]),
    );
    for (const {file, target, score, map, empty} of lines) {
      const image = await decodeImage(join(folder, String(file)));
      const [expected] = await gradCam([image], teacher);
      expect({target, empty}).toEqual({target: expected!.target, empty: expected!.empty});
      expect(score).toBeCloseTo(expected!.score, 5);
      const drawn = await decodeImage(join(folder, 'maps', String(map)));
      const wanted = overlay(image, expected!);
      expect([...drawn.data]).toEqual([...wanted.data].filter((_, index) => index % 4 < 3));
    }
    const [header, ...rows] = (await readFile(join(folder, 'maps/explanations.csv'), 'utf8')).trim().split('\n');
    expect(header).toBe('file,method,target,class,score,map,empty,gini,peakX,peakY');
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatch(/^photos\/a\/0\.png,grad-cam,\d,,0\.\d+,a\/0\.png,false,0\.\d+,0\.\d+,0\.\d+$/);
  });

  it('leaves out what cannot be read, names it, and says so by its exit code; with --strict it stops', async () => {
    const {code, stderr, stdout} = await explain('mixed', '--out', 'mixed-maps', '--json');
    expect(code).toBe(4);
    expect(stderr).toMatch(/Left out, since it cannot be read \(1\):\n {2}mixed\/broken\.jpg: .*cannot be decoded/);
    expect(jsonLines(stdout).map(({file}) => file)).toEqual(['mixed/a/0.png']);
    const strict = await explain('mixed', '--out', 'strict-maps', '--strict');
    expect(strict.code).toBe(1);
    expect(strict.stderr).toMatch(/broken\.jpg cannot be decoded/);
    const none = await explain('mixed/broken.jpg', '--out', 'none-maps');
    expect(none.code).toBe(3);
    expect(none.stderr).toMatch(/None of the pictures can be read/);
  });

  it('draws several classes by several methods, by name and number, with metrics', async () => {
    const args = ['photos/a/0.png', '--out', 'several', '--method', 'grad-cam,rise', '--set', 'rise.numMasks=40', '--seed', '5', '--json'];
    const {code, stdout} = await explain(...args, '--target', 'nr3,6', '--class-names', 'names.txt', '--metrics', 'insertion');
    expect(code).toBe(0);
    const records = jsonLines(stdout);
    expect(records.map(({method, target, class: name, map}) => [method, target, name, map])).toEqual([
      ['grad-cam', 3, 'shape d, nr3', '0.3.grad-cam.png'],
      ['grad-cam', 6, 'shape g, nr6', '0.6.grad-cam.png'],
      ['rise', 3, 'shape d, nr3', '0.3.rise.png'],
      ['rise', 6, 'shape g, nr6', '0.6.rise.png'],
    ]);
    const image = await decodeImage(join(folder, 'photos/a/0.png'));
    const [, expected] = await rise([image], teacher, {numMasks: 40, seed: 5, target: [3, 6]});
    const {auc} = await insertionScore(image, expected!, teacher, {target: 6});
    expect(records[3]!['insertion']).toBeCloseTo(auc, 5);
    expect((await readdir(join(folder, 'several'))).sort()).toEqual(
      ['0.3.grad-cam.png', '0.3.rise.png', '0.6.grad-cam.png', '0.6.rise.png', 'explanations.csv', 'explanations.jsonl', 'run.json'].sort(),
    );
    const top = await explain('photos/a/0.png', '--out', 'top', '--target', 'top-3', '--json');
    const scores = jsonLines(top.stdout).map(({score}) => score as number);
    expect(scores).toHaveLength(3);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  it('goes on with what is there, and does not mix it with another run', async () => {
    await explain('photos', '--out', 'again');
    const before = await stat(join(folder, 'again/a/0.png'));
    // A picture that is newer than its overlay is explained once more, and one whose overlay is gone.
    const later = new Date(Date.now() + 60_000);
    await utimes(join(folder, 'photos/a/2.png'), later, later);
    await rm(join(folder, 'again/b/1.png'));
    const again = await explain('photos', '--out', 'again', '--json');
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/2 of 4 are there already/);
    expect(jsonLines(again.stdout)).toHaveLength(4);
    expect((await stat(join(folder, 'again/a/0.png'))).mtimeMs).toBe(before.mtimeMs);
    expect((await stat(join(folder, 'again/b/1.png'))).isFile()).toBe(true);
    const now = new Date();
    await utimes(join(folder, 'photos/a/2.png'), now, now);
    // Names that come later are those of what is there, too.
    const named = await explain('photos', '--out', 'again', '--class-names', 'names.txt');
    expect(named.stderr).toMatch(/3 of 4 are there already/);
    expect(named.stdout).not.toMatch(/class \d/);
    for (const {class: name, target} of jsonLines(await readFile(join(folder, 'again/explanations.jsonl'), 'utf8')))
      expect(name).toMatch(new RegExp(`, nr${target}$`));
    const other = await explain('photos', '--out', 'again', '--target', '2');
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/again holds the results of another run \(target top, now 2\)\. .*--force/);
    const forced = await explain('photos', '--out', 'again', '--target', '2', '--force', '--json');
    expect(jsonLines(forced.stdout).map(({target}) => target)).toEqual([2, 2, 2, 2]);
  });

  it('stops at Ctrl-C with 130, keeps what is explained, and the same command comes to the same table', async () => {
    const args = ['photos', '--method', 'rise', '--set', 'numMasks=40', '--json'];
    const whole = await explain(...args, '--out', 'whole');
    const stopped = await runCommand(['explain', ...args, '--out', 'parts', ...model], {
      cwd: folder,
      stop: {signal: 'SIGINT', after: /"file":"photos/},
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/Stopped: [123] of 4 pictures are explained, in parts\. The same command goes on from there\./);
    const kept = jsonLines(await readFile(join(folder, 'parts/explanations.jsonl'), 'utf8'));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(4);
    expect((await readFile(join(folder, 'parts/explanations.csv'), 'utf8')).trim().split('\n')).toHaveLength(kept.length + 1);
    const rest = await explain(...args, '--out', 'parts');
    expect(rest.code).toBe(0);
    expect(rest.stdout).toBe(whole.stdout);
    for (const name of ['explanations.jsonl', 'explanations.csv']) {
      expect(await readFile(join(folder, 'parts', name), 'utf8')).toBe(await readFile(join(folder, 'whole', name), 'utf8'));
    }
  });

  it('says what is wrong, by words and exit code, before it computes', async () => {
    await writeFile(join(folder, 'in-the-way'), '');
    await mkdir(join(folder, 'broken-model'));
    await writeFile(join(folder, 'broken-model/model.json'), '{"modelTopology": {}, "weightsManifest": [');
    const cases: [string[], number, RegExp][] = [
      [['empty'], 3, /empty holds no picture/],
      [['missing'], 3, /There is no file or folder 'missing'/],
      [['photos/**/*.gif'], 3, /The pattern 'photos\/\*\*\/\*\.gif' matches nothing/],
      [['photos', '--out', 'in-the-way'], 1, /in-the-way cannot be written: a file is in the way/],
      [['photos', '--method', 'rize'], 2, /--method: there is no 'rize'\. Did you mean 'rise'\?/],
      [['photos', '--method', 'rise', '--set', 'numMask=3'], 2, /there is no option 'numMask'\. Did you mean 'numMasks'\?/],
      [['photos', '--method', 'ours'], 2, /needs an explainer .*attentive-distiller distil PHOTOS --model .*teacher --preprocessing tf/],
      [['photos', '--explainer', 'nothing'], 2, /--explainer: nothing does not exist/],
      [['photos', '--target', '8'], 2, /--target 8: classes go from 0 to 7/],
      [['photos', '--preprocessing', 'torhc'], 2, /Did you mean 'torch'\?/],
    ];
    for (const [args, code, words] of cases) {
      // The later flag of two counts.
      const outcome = await runHere(['explain', ...model, ...args], {cwd: folder});
      expect(outcome.stderr, args.join(' ')).toMatch(words);
      expect(outcome.code, args.join(' ')).toBe(code);
      expect(outcome.stdout).toBe('');
    }
    const unsaid = await runHere(['explain', 'photos', '--model', shapesModel, '--backend', 'wasm'], {cwd: folder});
    expect([unsaid.code, /--preprocessing is missing/.test(unsaid.stderr)]).toEqual([2, true]);
    const broken = await runHere(['explain', 'photos', '-m', 'broken-model', '-p', 'tf', '--backend', 'wasm'], {cwd: folder});
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/broken-model.*model\.json/);
  });
});
