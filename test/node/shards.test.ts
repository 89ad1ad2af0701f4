import '../helpers/use-wasm.js';
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expandDims, memory, mul, tensor3d, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Sequential} from '@tensorflow/tfjs-layers';
import sharp from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {drawMaskGrids, masksFromGrids} from '../../src/baselines/rise/masks.js';
import {gradientSaliencyExplainer} from '../../src/baselines/gradient/gradient-saliency.js';
import {randomExplainer} from '../../src/baselines/random/random-explainer.js';
import {riseExplainer} from '../../src/baselines/rise/rise.js';
import {AttentiveError} from '../../src/core/errors/attentive-error.js';
import type {DecodedImage, Explainer} from '../../src/core/types.js';
import {compare} from '../../src/metrics/compare/compare.js';
import {scoreModel} from '../../src/models/score-model.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {
  assignedShards,
  folderStore,
  hashFiles,
  mergeShards,
  missingShards,
  planShards,
  readShards,
  runShard,
  type PlanShardsOptions,
  type ShardParts,
  type ShardPlan,
  type ShardStore,
} from '../../src/node/index.js';
import {decodeContent, encodeContent} from '../../src/node/shards/content.js';
import {HEIGHT, patchImage, patchTeacher, WIDTH} from '../helpers/patch-world.js';

const COUNT = 70;
const picture = (index: number): Tensor3D => tensor3d(patchImage(index).data, [HEIGHT, WIDTH, 3]);
const planned = Array.from({length: COUNT}, (_, index) => {
  const {left, top} = patchImage(index);
  const region = [[left / WIDTH, top / HEIGHT, (left + 4) / WIDTH, (top + 4) / HEIGHT] as const];
  return {source: `patch ${index}`, hash: `v1 ${index}`, region};
});
const task = {
  kind: 'compare',
  methods: ['gradient', 'rise', 'random'],
  metrics: [{metric: 'deletion', name: 'deletion to blur', fill: 'blur'}, 'pointing', 'mu-fidelity', 'drop'],
  settings: {deletion: {stepSize: 96}, muFidelity: {numSamples: 6}},
  limits: {rise: 38},
  batchSize: 12,
  seed: 7,
} as const;

/** Bytes in memory. */
function memoryStore(): ShardStore & {readonly files: Map<string, Uint8Array>} {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    read: (name) => Promise.resolve(files.get(name)),
    write: (name, content) => Promise.resolve(void files.set(name, content)),
  };
}

let model: Sequential;
let parts: ShardParts;
let folder: string;
const planOf = (options: Partial<PlanShardsOptions> = {}): Promise<ShardPlan> =>
  planShards({task, images: planned, model: 'patch teacher', ...options});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shards-'));
  model = patchTeacher();
  const explainers: Record<string, Explainer> = {
    random: randomExplainer(model),
    gradient: gradientSaliencyExplainer(model),
    rise: riseExplainer(model, {numMasks: 6}),
  };
  parts = {model, explainers, read: (_, index) => picture(index)};
});
afterAll(async () => {
  model.dispose();
  await rm(folder, {recursive: true});
});

describe('shards of a comparison', () => {
  it('add up to the table of one process, bit for bit, done in any order, twice, and by several', async () => {
    const images = planned.map((_, index) => picture(index));
    const {methods, metrics, settings, limits, batchSize, seed} = task;
    const explainers = Object.fromEntries(methods.map((name) => [name, parts.explainers![name]!]));
    const whole = await compare({
      metrics,
      settings,
      limits,
      batchSize,
      seed,
      explainers,
      images,
      model,
      regions: planned.map(({region}) => region),
    });
    const store = memoryStore();
    const plan = JSON.parse(JSON.stringify(await planOf())) as ShardPlan;
    // A multiple of the batch size.
    expect(plan.shards.map(({first, end}) => [first, end])).toEqual([
      [0, 36],
      [36, 70],
    ]);
    const before = memory().numTensors;
    expect((await runShard(plan, 1, {parts, store})).computed).toBe(true);
    const [bytes] = store.files.values();
    await Promise.all([runShard(plan, 0, {parts, store}), runShard(plan, 0, {parts, store})]);
    expect(await runShard(plan, 1, {parts, store})).toEqual({name: plan.shards[1]!.name, computed: false, images: 34});
    expect(memory().numTensors).toBe(before);
    expect([...store.files.keys()].sort()).toEqual(plan.shards.map(({name}) => name).sort());
    expect(store.files.get(plan.shards[1]!.name)).toBe(bytes);
    const merged = await mergeShards(plan, {store});
    expect(merged).toStrictEqual(whole);
    expect(merged.map(({images: count}) => count)).toEqual([70, 38, 70]);
    expect(await mergeShards(plan, {store, perImage: false})).toStrictEqual(whole.map((row) => ({...row, perImage: []})));
    const records = [];
    for await (const record of readShards(plan as never, {store})) records.push(record);
    expect(records.map(({index, source}) => [index, source])).toEqual(planned.map(({source}, index) => [index, source]));
    for (const image of images) image.dispose();
  });

  it('have other names for another model, task, version, settings, picture or place, and the same ones otherwise', async () => {
    const names = ({shards}: ShardPlan): string[] => shards.map(({name}) => name);
    const plan = await planOf();
    expect(names(await planOf())).toEqual(names(plan));
    const changed = [
      planOf({model: 'other'}),
      planOf({task: {...task, seed: 8}}),
      planOf({settings: {numMasks: 20}}),
      planOf({images: planned.map((image) => ({...image, hash: `v2 ${image.hash}`}))}),
      planOf({images: planned.map(({source, hash}) => ({source, hash}))}),
      planOf({images: [...planned.slice(1), planned[0]!]}),
    ];
    for (const other of await Promise.all(changed)) for (const name of names(other)) expect(names(plan)).not.toContain(name);
    // What is added at the end leaves whole shards as they are.
    const longer = await planOf({images: [...planned, ...planned]});
    expect(names(longer)[0]).toBe(names(plan)[0]);
    expect(names(longer)[1]).not.toBe(names(plan)[1]);
  });

  it('are refused where something is missing, damaged, changed or mixed', async () => {
    const plan = await planOf();
    const store = memoryStore();
    await runShard(plan, 0, {parts, store});
    await expect(mergeShards(plan, {store})).rejects.toThrow('1 of 2 shards are missing or damaged: 1. Do them with runShard');
    await runShard(plan, 1, {parts, store});
    const name = plan.shards[1]!.name;
    const bytes = store.files.get(name)!;
    const damaged = Uint8Array.from(bytes);
    damaged[damaged.length - 9]! ^= 1;
    store.files.set(name, damaged);
    expect(await missingShards(plan, store)).toEqual([1]);
    expect((await runShard(plan, 1, {parts, store})).computed).toBe(true);
    expect(store.files.get(name)).toEqual(bytes);
    store.files.set(name, store.files.get(plan.shards[0]!.name)!);
    expect(await missingShards(plan, store)).toEqual([1]);
    const content = decodeContent(bytes) as object;
    store.files.set(name, encodeContent({...content, backend: 'other'}));
    await expect(mergeShards(plan, {store})).rejects.toThrow('must be computed on one backend');
    expect(await mergeShards(plan, {store, mixedBackends: true})).toHaveLength(3);
    const edited = {...plan, model: 'other'};
    for (const shards of [undefined, [{}], [null], [{...plan.shards[0], name: 3}]]) {
      const torn = {...plan, shards} as unknown as ShardPlan;
      await expect(missingShards(torn, store)).rejects.toThrow('missingShards: plan must be what planShards gave');
    }
    await expect(runShard(edited, 0, {parts, store})).rejects.toThrow('has been changed since it was planned');
    await expect(runShard({...plan, version: '0.0.0'}, 0, {parts, store})).rejects.toThrow('made by version 0.0.0');
    await expect(runShard(plan, 2, {parts, store})).rejects.toThrow('from 0 to 1, but is 2');
    await expect(runShard(plan, 0, {parts: {model}, store: memoryStore()})).rejects.toThrow('"gradient" is not among nothing');
    await expect(mergeShards(await planOf({task: {kind: 'scores'}}), {store})).rejects.toThrow('use readShards');
  });

  it('keep nothing of a shard that fails or is aborted, and free its tensors', async () => {
    const plan = await planOf();
    const store = memoryStore();
    const before = memory().numTensors;
    const stopped = new AbortController();
    const stop = (): void => stopped.abort(new Error('enough'));
    await expect(runShard(plan, 0, {parts, store, signal: stopped.signal, onProgress: stop})).rejects.toThrow('enough');
    const failing = {
      ...parts,
      read: (_: unknown, index: number) => (index === 20 ? Promise.reject(new Error('unreadable')) : picture(index)),
    };
    await expect(runShard(plan, 0, {parts: failing, store})).rejects.toThrow('unreadable');
    expect(store.files.size).toBe(0);
    expect(memory().numTensors).toBe(before);
  });
});

describe('planShards', () => {
  it('refuses what is no plain data, unknown or out of range', async () => {
    await expect(planOf({shardSize: 31})).rejects.toThrow(RangeError);
    await expect(planOf({images: []})).rejects.toThrow(RangeError);
    await expect(planOf({images: [{source: 1 as never}]})).rejects.toThrow('images[0] must be a file');
    await expect(planOf({task: {...task, metrics: [{name: 'own', measure: () => 1} as never]}})).rejects.toThrow(
      'task.metrics[0].measure must be plain data',
    );
    await expect(planOf({task: {...task, target: (() => 1) as never}})).rejects.toThrow('task.target must be plain data');
    await expect(planOf({task: {...task, methods: ['a', 'a']}})).rejects.toThrow('"a" is there twice');
    await expect(planOf({task: {...task, numMasks: 3} as never})).rejects.toThrow("no option 'numMasks'");
    await expect(planOf({task: {...task, target: {perImage: [1]}}})).rejects.toThrow('a class for each of 70 images');
    await expect(planOf({task: {kind: 'other'} as never})).rejects.toThrow(TypeError);
    await expect(planOf({settings: new Date() as never})).rejects.toThrow('settings must be plain data');
    await expect(planOf({settings: {at: NaN}})).rejects.toThrow('settings.at must be plain data');
  });

  it('reads pictures by their files, and refuses one that was exchanged', async () => {
    const files = await Promise.all(
      Array.from({length: 33}, async (_, index) => {
        const pixels = Uint8Array.from(patchImage(index).data, (value) => 100 + 70 * value);
        const file = `picture-${index}.png`;
        await sharp(pixels, {raw: {width: WIDTH, height: HEIGHT, channels: 3}}).toFile(join(folder, file));
        return file;
      }),
    );
    const teacher = teacherFromLayersModel(model, {preprocessing: {scale: 1 / 70, mean: 100 / 70, std: 1}});
    const explainers = {random: randomExplainer(teacher)};
    const plan = await planShards({
      task: {kind: 'explain', method: 'random', target: [0, 2]},
      images: files,
      root: folder,
      model: await hashFiles([join(folder, files[0]!)]),
    });
    const store = folderStore(join(folder, 'out'));
    for (const index of [1, 0]) await runShard(plan, index, {parts: {model: teacher, explainers}, store, root: folder});
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(plan.shards.map(({name}) => name).sort());
    const seen = [];
    for await (const record of readShards(plan as typeof plan & {task: {kind: 'explain'}}, {store})) seen.push(record);
    expect(seen.map(({source}) => source)).toEqual(files);
    const last = seen.at(-1)!;
    const data = await sharp(join(folder, files[32]!)).raw().toBuffer();
    const image: DecodedImage = {data, width: WIDTH, height: HEIGHT, channels: 3};
    const expected = await explainers.random.explain(image, {target: [0, 2], seed: last.seed});
    expect(last.maps.map((map) => map.data)).toStrictEqual(expected.map((map) => map.data));
    expect(last.maps.map(({target}) => target)).toEqual([0, 2]);
    await writeFile(join(folder, files[5]!), await readFile(join(folder, files[6]!)));
    const fresh = {parts: {model: teacher, explainers}, store: memoryStore(), root: folder};
    await expect(runShard(plan, 0, fresh)).rejects.toThrow('picture-5.png is another file than when it was planned');
    await rm(join(folder, files[5]!));
    await expect(runShard(plan, 0, fresh)).rejects.toThrow(AttentiveError);
  });
});

describe('shards of scores', () => {
  it('hold what the model says of the images and of their masked forms, whatever the shard', async () => {
    const options = {kind: 'scores', numMasks: 5, fill: 'zeros', form: 'probabilities', batchSize: 8, gridSize: 4, seed: 3} as const;
    const all = [];
    for (const shardSize of [32, 64]) {
      const plan = await planOf({task: options, shardSize});
      const store = memoryStore();
      const before = memory().numTensors;
      for (const index of assignedShards(plan, {}, {})) await runShard(plan, index, {parts, store});
      expect(memory().numTensors).toBe(before);
      const records = [];
      for await (const record of readShards(plan as typeof plan & {task: {kind: 'scores'}}, {store})) records.push(record);
      all.push(records);
    }
    expect(all[0]).toStrictEqual(all[1]);
    const record = all[0]![45]!;
    const scorer = scoreModel('test', model);
    const image = expandDims<Tensor4D>(picture(45), 0);
    expect(record.scores).toStrictEqual((await scorer.score(image)).values);
    const masks = masksFromGrids(drawMaskGrids([HEIGHT, WIDTH], {numMasks: 5, seed: record.seed, gridSize: 4}), [HEIGHT, WIDTH]);
    const {values} = await scorer.score(mul<Tensor4D>(expandDims(masks, -1), image));
    expect(record.masked).toHaveLength(15);
    record.masked.forEach((value, index) => expect(value).toBeCloseTo(values[index]!, 5));
    expect(new Set(all[0]!.map(({seed}) => seed)).size).toBe(COUNT);
  });
});

describe('assignedShards', () => {
  it('follows what is told, or what clusters set', async () => {
    const plan = {...(await planOf()), shards: Array.from({length: 10}, () => ({name: '', first: 0, end: 1}))};
    expect(assignedShards(plan, {}, {})).toHaveLength(10);
    expect(assignedShards(plan, {index: 1, count: 4}, {JOB_COMPLETION_INDEX: '3'})).toEqual([1, 5, 9]);
    for (const name of ['JOB_COMPLETION_INDEX', 'AWS_BATCH_JOB_ARRAY_INDEX', 'SLURM_ARRAY_TASK_ID']) {
      expect(assignedShards(plan, {}, {[name]: '7'})).toEqual([7]);
      expect(assignedShards(plan, {count: 4}, {[name]: '3'})).toEqual([3, 7]);
      expect(() => assignedShards(plan, {}, {[name]: '10'})).toThrow('from 0 to 9');
      expect(() => assignedShards(plan, {}, {[name]: 'x'})).toThrow(name);
    }
    expect(() => assignedShards(plan, {}, {JOB_COMPLETION_INDEX: '1', SLURM_ARRAY_TASK_ID: '2'})).toThrow('must say the same');
    expect(() => assignedShards(plan, {count: 4}, {})).toThrow('index must be given');
  });
});

describe('the content of a shard', () => {
  it('comes back to the last bit', () => {
    const value = {a: [NaN, -0, 0, Infinity, -Infinity, 0.1 + 0.2, 5e-324], b: Float32Array.of(NaN, -0, 1 / 3), c: null, d: {e: 'ü\n'}};
    expect(decodeContent(encodeContent(value))).toStrictEqual(value);
    expect(Object.is((decodeContent(encodeContent(value)) as typeof value).a[1], -0)).toBe(true);
  });

  it('is undefined for anything else', () => {
    const bytes = encodeContent({a: 1});
    for (const other of [bytes.slice(0, -1), bytes.slice(1), new Uint8Array(0), Buffer.from('{}'), Buffer.from('\n{}')])
      expect(decodeContent(other)).toBeUndefined();
  });
});
