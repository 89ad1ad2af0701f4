/** `compare`, `view` and `describe`, as a user runs them; and the program as a whole. */
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {compare, formatComparison, gradCamExplainer, loadTeacher, randomExplainer, VERSION, type ComparisonRow} from '../../src/index.js';
import {decodeImage} from '../../src/node/index.js';
import {patience} from '../helpers/environment.js';
import {startBackend} from '../helpers/start-backend.js';
import {jsonLines, runCommand, runHere, shapesModel, writeBroken, writeShapes} from '../helpers/command-line.js';

let folder: string;
beforeAll(async () => {
  await startBackend('wasm');
  folder = await mkdtemp(join(tmpdir(), 'compare-'));
  await writeShapes(join(folder, 'photos'), 3);
  await writeBroken(join(folder, 'photos/a/1.png'));
});
afterAll(() => rm(folder, {recursive: true}));

const model = ['--model', shapesModel, '--preprocessing', 'tf', '--backend', 'wasm'];

describe('attentive-distiller compare', {timeout: patience}, () => {
  it('prints the table of compare() with standard errors, and writes it with the numbers of each image', async () => {
    const args = [
      'compare',
      'photos',
      ...model,
      '--method',
      'grad-cam,random',
      '--metrics',
      'insertion,gini',
      '--seed',
      '2',
      '--out',
      'results',
    ];
    const {code, stdout, stderr} = await runHere([...args, '--reference', 'random'], {cwd: folder});
    expect(code).toBe(4);
    expect(stderr).toMatch(/photos\/a\/1\.png: .*cannot be decoded/);
    const files = ['photos/a/0.png', 'photos/a/2.png', 'photos/b/1.png'];
    const images = await Promise.all(files.map((file) => decodeImage(join(folder, file))));
    const teacher = await loadTeacher(shapesModel, {preprocessing: 'tf'});
    const explainers = {'grad-cam': gradCamExplainer(teacher), random: randomExplainer(teacher)};
    const rows = await compare({explainers, metrics: ['insertion', 'gini'], images, model: teacher, seed: 2});
    teacher.dispose();
    expect(stdout).toContain(formatComparison(rows, {standardErrors: true}));
    expect(stdout).toMatch(/Less random, image by image:\nmethod +images +insertion +gini\n/);
    const stored = JSON.parse(await readFile(join(folder, 'results/comparison.json'), 'utf8')) as {rows: ComparisonRow[]; files: string[]};
    expect(stored.files).toEqual(files);
    expect(stored.rows).toEqual(rows);
    const means = (await readFile(join(folder, 'results/comparison.csv'), 'utf8')).split('\n');
    expect(means[0]).toBe('method,images,emptyMaps,tiedMaps,insertion,insertion standard error,gini,gini standard error');
    expect(means[2]?.split(',')[4]).toBe(String(rows[1]!.values['insertion']!.mean));
    const each = (await readFile(join(folder, 'results/comparison-images.csv'), 'utf8')).trim().split('\n');
    expect(each).toHaveLength(7);
    expect(each[1]).toMatch(/^photos\/a\/0\.png,grad-cam,/);
  });

  it('writes records with --json, and refuses what it cannot compare', async () => {
    const json = await runHere(['compare', 'photos/b', ...model, '--method', 'random', '--metrics', 'gini', '--json'], {cwd: folder});
    expect(json.code).toBe(0);
    expect(jsonLines(json.stdout)).toMatchObject([{method: 'random', images: 1}]);
    const cases: [string[], RegExp][] = [
      [['--metrics', 'insertoin'], /--metrics: there is no 'insertoin'\. Did you mean 'insertion'\?/],
      [['--metrics', 'pointing'], /pointing needs to be told where the evidence is/],
      [['--target', 'top-2'], /one class of each picture/],
      [['--method', 'random', '--reference', 'rise'], /--reference: there is no 'rise'/],
      [['--method', 'random', '--limits', 'random'], /must be method=count, such as random=20/],
    ];
    for (const [args, words] of cases) {
      const {code, stderr} = await runHere(['compare', 'photos/b', ...model, ...args], {cwd: folder});
      expect(stderr).toMatch(words);
      expect(code).toBe(2);
    }
  });
});

describe('attentive-distiller compare --report', {timeout: patience}, () => {
  it('writes a file with every photo, map and curve, and leaves the tables as they are', async () => {
    const args = ['compare', 'photos/b', 'photos/a/0.png', ...model, '--method', 'grad-cam,random', '--metrics', 'insertion,gini'];
    expect((await runHere([...args, '--out', 'plain'], {cwd: folder})).code).toBe(0);
    const {code, stdout} = await runHere([...args, '--out', 'told', '--report', 'out/report.html'], {cwd: folder});
    expect(code).toBe(0);
    expect(stdout).toMatch(/Report: out\/report\.html \(\d+\.\d MB\)/);
    const html = await readFile(join(folder, 'out/report.html'), 'utf8');
    for (const text of ['photos/b/1.png', 'photos/a/0.png', 'grad-cam', 'Comparison of saliency methods']) expect(html).toContain(text);
    expect(html.match(/<img /g)!.length).toBeGreaterThanOrEqual(6);
    const [plain, told] = await Promise.all(['plain', 'told'].map((name) => readFile(join(folder, name, 'comparison.json'), 'utf8')));
    expect(told).toBe(plain);
    const both = await runHere([...args, '--report', 'r.html', '--shards', 'parts'], {cwd: folder});
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/--report and --shards/)]);
  });
});

describe('attentive-distiller view', {timeout: patience}, () => {
  it('lays photos and methods out side by side', async () => {
    const args = ['view', 'photos', '--method', 'grad-cam,gradient,occlusion', '--cell-size', '100', '--out', 'sheets/one.png'];
    const {code, stdout} = await runHere([...args, ...model], {cwd: folder});
    expect(code).toBe(4);
    expect(stdout).toMatch(/3 rows, grad-cam, gradient, occlusion: sheets\/one\.png/);
    const {width, height} = await decodeImage(join(folder, 'sheets/one.png'));
    // Four columns of 100 with gaps of 8, three rows with a caption each.
    expect(width).toBe(8 + 4 * 108);
    expect(height).toBeGreaterThan(3 * 128);
  });

  it('takes the quick methods unless all are asked for', async () => {
    const args = ['view', 'photos', '--limit', '1', '--out', 'sheets/quick.png'];
    const quick = await runHere([...args, ...model], {cwd: folder});
    expect(quick.stdout).toMatch(/1 rows, grad-cam, [^:]*gradient: sheets/);
    expect(quick.stdout).not.toMatch(/rise|lime|occlusion/);
    expect(quick.stderr).toMatch(/--method all adds .*rise, lime/);
    const few = ['rise.numMasks=20', 'lime.numSamples=20', 'meaningful-perturbation.numSteps=2'].flatMap((each) => ['--set', each]);
    const all = await runHere([...args, '--method', 'all', ...few, ...model], {cwd: folder});
    expect(all.stdout).toMatch(/gradient, .*occlusion, rise, lime: sheets/);
  });
});

describe('attentive-distiller describe', {timeout: patience}, () => {
  it('says what is known of a model, as text and as JSON', async () => {
    const text = await runHere(['describe', shapesModel, '--backend', 'wasm']);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/input +\[64, 64, 3\]\n +output +probabilities: a softmax over 8 classes/);
    const json = await runHere(['describe', '--model', shapesModel, '--json', '--backend', 'wasm', '--quiet']);
    expect(jsonLines(json.stdout)).toMatchObject([{kind: 'Teacher', numClasses: 8, backend: 'wasm', uses: {layers: {works: true}}}]);
    expect(json.stderr).toBe('');
    const missing = await runHere(['describe', 'nowhere', '--backend', 'wasm']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/nowhere/);
  });
});

describe('attentive-distiller', {timeout: patience}, () => {
  it('tells its version, its help with examples, and what was meant', async () => {
    expect(await runCommand(['--version'])).toEqual({code: 0, stdout: `${VERSION}\n`, stderr: ''});
    const none = await runCommand([]);
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/Usage: attentive-distiller/);
    for (const name of ['explain', 'distil', 'compare', 'view', 'describe']) {
      const {code, stdout} = await runHere([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples:\n {2}attentive-distiller ${name} `));
    }
    const cases: [string[], RegExp][] = [
      [['explain', 'x', '--modle', 'y'], /unknown option '--modle'\n\(Did you mean --model\?\)/],
      [['explian'], /unknown command 'explian'\n\(Did you mean explain\?\)/],
      [['explain'], /missing required argument 'photos'/],
      [['explain', 'x', '--seed', '-1'], /It must be a whole number from 0 to 4294967295/],
      [['explain', 'x', '--backend', 'gpu'], /Allowed choices are tfjs-node-gpu, webgpu/],
    ];
    for (const [args, words] of cases) {
      const {code, stderr} = await runHere(args);
      expect(stderr).toMatch(words);
      expect(code).toBe(2);
    }
  });
});
