/** Every public function with arguments that are right, made anew for each call. */
import {mkdir, writeFile} from 'node:fs/promises';
import {randomUniform, tensor2d, type Tensor, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import * as baselines from '../../src/baselines/index.js';
import * as data from '../../src/data/index.js';
import * as library from '../../src/index.js';
import * as parts from '../../src/layers/index.js';
import * as losses from '../../src/losses/index.js';
import * as metrics from '../../src/metrics/index.js';
import * as models from '../../src/models/index.js';
import * as node from '../../src/node/index.js';
import * as queue from '../../src/queue/index.js';
import * as render from '../../src/render/index.js';

/** A function and how it is called. */
export interface Call {
  /** As it is exported; of a class, `AttentiveDistiller.train`. */
  readonly name: string;
  /** What its messages begin with, where that is another name. */
  readonly says?: readonly string[];
  readonly params: readonly string[];
  /** Arguments that it takes; whatever can be made cheaply is made anew. */
  args(): unknown[];
  run(...args: never[]): unknown;
}

/** What is made once: the models and a distiller. */
export interface World {
  readonly calls: readonly Call[];
  /** Everything that must not change. */
  readonly lasting: readonly unknown[];
  dispose(): void;
}

/** All entries, to see that none is left out. */
export const entries: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  library,
  layers: parts,
  losses,
  metrics,
  baselines,
  models,
  data,
  render,
  node,
  queue,
};

/** Functions that take nothing, and classes that only carry a message. */
export const withoutArguments: readonly string[] = [
  ...['registerLayers', 'installTrainingKernels', 'disposeWorkers', 'constantSchedule', 'paperMethod', 'paperTraining'],
  ...Object.keys(library).filter((name) => name.endsWith('Error')),
  // Changes the backend of the whole process.
  'setUpWebGPUInNode',
  // They need a server: test/queue.
  'openShardQueue',
  'startShardWorker',
];

const SIZE = 8;
const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
};
const values = (count: number, seed: number): number[] => Array.from({length: count}, seeded(seed));
const picture = (): object => ({
  data: Uint8ClampedArray.from(values(SIZE * SIZE * 3, 5), (value) => value * 255),
  width: SIZE,
  height: SIZE,
});
const map = (): object => ({data: Float32Array.from(values(SIZE * SIZE, 9)), width: SIZE, height: SIZE, target: 0});
const dataSets = 'test/fixtures/data-sets';
const ofPart = {complete: false, batchSize: 1, size: [4, 4], leastCrop: 0.5, prefetch: 0};
/** Of a set on disk, the first batch. */
const firstBatch =
  <Args extends unknown[]>(open: (...args: Args) => Promise<node.PictureBatches>) =>
  async (...args: Args): Promise<unknown> => {
    for await (const batch of (await open(...args))(0)) return batch;
    return undefined;
  };
const quick = {batchSize: 4, onProgress: (): void => undefined};

/** A network of three scales that a student can be made from. */
function classifier(): LayersModel {
  const conv = (filters: number): layers.Layer =>
    layers.conv2d({filters, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu', kernelInitializer: 'ones'});
  return sequential({
    layers: [
      layers.conv2d({inputShape: [SIZE, SIZE, 3], filters: 4, kernelSize: 3, padding: 'same', activation: 'relu'}),
      conv(4),
      layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', activation: 'relu'}),
      conv(6),
      layers.globalAveragePooling2d({}),
      layers.dense({units: 3, activation: 'softmax'}),
    ],
  });
}

/** The mean colour of an image as a GraphModel. */
async function writeGraph(folder: string): Promise<void> {
  const size = (sizes: number[]): object => ({dim: sizes.map((each) => ({size: String(each)}))});
  const image = {name: 'x', dtype: 'DT_FLOAT', tensorShape: size([-1, SIZE, SIZE, 3])};
  const nodes = [
    {name: 'axes', op: 'Const', attr: {dtype: {type: 'DT_INT32'}, value: {tensor: {dtype: 'DT_INT32', tensorShape: size([2])}}}},
    {name: 'x', op: 'Placeholder', attr: {dtype: {type: 'DT_FLOAT'}, shape: {shape: image.tensorShape}}},
    {name: 'mean', op: 'Mean', input: ['x', 'axes'], attr: {keep_dims: {b: false}}},
    {name: 'y', op: 'Softmax', input: ['mean'], attr: {}},
  ];
  const signature = {inputs: {x: image}, outputs: {y: {name: 'y', dtype: 'DT_FLOAT', tensorShape: size([-1, 3])}}};
  const weightsManifest = [{paths: ['w.bin'], weights: [{name: 'axes', shape: [2], dtype: 'int32'}]}];
  await mkdir(folder, {recursive: true});
  await writeFile(`${folder}/w.bin`, new Uint8Array(Int32Array.from([1, 2]).buffer));
  await writeFile(
    `${folder}/model.json`,
    JSON.stringify({format: 'graph-model', signature, modelTopology: {node: nodes, versions: {}}, weightsManifest}),
  );
}

/** Makes everything. `folder` holds a picture `a.png`. */
export async function makeWorld(folder: string): Promise<World> {
  const model = classifier();
  const teacher = library.teacherFromLayersModel(model, {preprocessing: 'tf'});
  await writeGraph(`${folder}/graph`);
  const graph = await node.loadGraphModelFromFiles(`${folder}/graph`);
  const images = randomUniform([2, SIZE, SIZE, 3], -1, 1, 'float32', 3) as Tensor4D;
  const image = randomUniform([SIZE, SIZE, 3], -1, 1, 'float32', 4);
  const logits = tensor2d(values(6, 3), [2, 3]);
  const labels = tensor2d([1, 0, 0, 0, 0, 1], [2, 3]);
  const saliency = randomUniform([2, SIZE, SIZE, 1], 0, 1, 'float32', 6);
  const distiller = await library.AttentiveDistiller.create({teacher, decoder: {filters: [4, 4, 4]}});
  await distiller.train([{images}], {epochs: 1});
  // Kept until it is disposed of: the networks in their compiled form.
  await distiller.explain(images);
  const limeMap = (await baselines.lime(image as never, model, {numSamples: 8, segmenter: 'grid'}))[0]!;
  const maps = (): object[] => [map(), map()];
  const slow = {numSamples: 6, numMasks: 6, numSteps: 3};
  const some = (...names: (keyof typeof slow)[]): object => Object.fromEntries(names.map((name) => [name, slow[name]]));

  const explaining = (name: string, options: object, run: unknown): Call[] => {
    const bind = (baselines as Readonly<Record<string, unknown>>)[`${name}Explainer`] as (
      model: unknown,
      options: unknown,
    ) => library.Explainer;
    return [
      {name, params: ['images', 'model', 'options'], args: () => [images, teacher, {...quick, ...options}], run: run as Call['run']},
      {
        name: `${name}Explainer`,
        says: [`${name}Explainer`, name],
        params: ['model', 'options', 'images', 'options'],
        args: () => [teacher, {...quick, ...options}, images, {...quick}],
        run: (first: unknown, second: unknown, third: never, fourth: never) => bind(first, second).explain(third, fourth),
      },
    ];
  };
  const withoutBatches = (name: string, options: object, run: unknown): Call[] =>
    explaining(name, options, run).map((call) => ({
      ...call,
      args: () =>
        call
          .args()
          .map((each) =>
            isPlain(each) && 'onProgress' in each ? Object.fromEntries(Object.entries(each).filter(([key]) => key !== 'batchSize')) : each,
          ),
    }));
  const asking = (name: string, options: object, run: unknown): Call => ({
    name,
    params: ['images', 'maps', 'model', 'options'],
    args: () => [images, maps(), teacher, {...quick, ...options}],
    run: run as Call['run'],
  });
  const layer = (name: keyof typeof parts, config: object): Call => ({
    name,
    params: ['config'],
    args: () => [config],
    run: (given: never) =>
      new ((entries['layers'] as Readonly<Record<string, unknown>>)[name] as new (config: never) => {getConfig(): object})(
        given,
      ).getConfig(),
  });
  const plain = (name: string, params: readonly string[], args: () => unknown[], run: unknown): Call => ({
    name,
    params,
    args,
    run: run as Call['run'],
  });

  const emptyStore = (): node.ShardStore => ({read: () => Promise.resolve(undefined), write: () => Promise.resolve()});
  const shardImages = Array.from({length: 3}, (_, index) => ({source: `image ${index}`, hash: `${index}`}));
  const shardParts: node.ShardParts = {
    model: teacher,
    explainers: {random: baselines.randomExplainer(teacher)},
    read: (_, index) => randomUniform([SIZE, SIZE, 3], -1, 1, 'float32', 1 + index) as Tensor3D,
  };
  const plan = await node.planShards({task: {kind: 'compare', methods: ['random'], metrics: ['gini']}, images: shardImages, model: 'm'});
  const fullStore = node.folderStore(`${folder}/full`);
  await node.writePlan(plan, fullStore);
  await node.runShard(plan, 0, {parts: shardParts, store: fullStore});
  const reportArgs = (): unknown[] => [
    {images: [picture()], maps: {a: [map()]}, preprocessing: 'tf', names: ['x'], pictureSize: 32, colormap: 'greys'},
  ];

  const calls: Call[] = [
    ...explaining('rise', some('numMasks'), baselines.rise),
    ...explaining('lime', {...some('numSamples'), segmenter: 'grid'}, baselines.lime),
    ...explaining('occlusion', {windowSize: 4, stride: 4}, baselines.occlusion),
    ...explaining('gradCam', {}, baselines.gradCam),
    ...explaining('scoreCam', {}, baselines.scoreCam),
    ...explaining('classActivationMap', {}, baselines.classActivationMap),
    ...explaining('gradientSaliency', {}, baselines.gradientSaliency),
    ...explaining('integratedGradients', some('numSteps'), baselines.integratedGradients),
    ...explaining('smoothGrad', some('numSamples'), baselines.smoothGrad),
    ...withoutBatches('meaningfulPerturbation', some('numSteps'), baselines.meaningfulPerturbation),
    {
      name: 'randomExplainer',
      params: ['model', 'options', 'images', 'options'],
      args: () => [teacher, {...quick}, images, {...quick}],
      run: (first: never, second: never, third: never, fourth: never) => baselines.randomExplainer(first, second).explain(third, fourth),
    },
    plain('randomMap', ['options'], () => [{height: 3, width: 4, seed: 1}], baselines.randomMap),
    plain('drawMaskGrids', ['size', 'options'], () => [[8, 8], {numMasks: 3, gridSize: 2}], baselines.drawMaskGrids),
    plain(
      'masksFromGrids',
      ['grids', 'size'],
      () => [baselines.drawMaskGrids([8, 8], {numMasks: 3, gridSize: 2}), [8, 8]],
      baselines.masksFromGrids,
    ),
    plain('limeMask', ['map', 'options'], () => [structuredClone(limeMap), {numFeatures: 2}], baselines.limeMask),
    plain('limePicture', ['image', 'map', 'options'], () => [picture(), structuredClone(limeMap), {hideRest: true}], baselines.limePicture),
    plain('gridSegments', ['height', 'width', 'options'], () => [8, 8, {numSegments: 4}], baselines.gridSegments),
    plain('quickshift', ['image', 'options'], () => [picture(), {kernelSize: 2}], baselines.quickshift),
    plain('slic', ['image', 'options'], () => [picture(), {numSegments: 4}], baselines.slic),
    plain('relabelSegments', ['map'], () => [{labels: [0, 3, 3, 1], height: 2, width: 2}], baselines.relabelSegments),

    asking('insertionScore', {stepSize: 16}, metrics.insertionScore),
    asking('deletionScore', {stepSize: 16}, metrics.deletionScore),
    asking('symmetricRelevanceGain', {stepSize: 16, fill: 'imputed'}, metrics.symmetricRelevanceGain),
    asking('confidenceChange', {}, metrics.confidenceChange),
    asking('muFidelity', {gridSize: 3, ...some('numSamples')}, metrics.muFidelity),
    plain(
      'averageConfidenceChange',
      ['changes'],
      () => [[{drop: 0.1, increase: false, gain: 0, before: 0.5, after: 0.4}]],
      metrics.averageConfidenceChange,
    ),
    plain('pointingGame', ['map', 'region', 'options'], () => [map(), [[0, 0, 0.5, 0.5]], {tolerance: 1}], metrics.pointingGame),
    plain('energyInside', ['map', 'region'], () => [map(), [[0, 0, 0.5, 0.5]]], metrics.energyInside),
    plain('evidenceShare', ['map', 'mask'], () => [map(), values(64, 2).map((value) => value > 0.5)], metrics.evidenceShare),
    plain('giniSparseness', ['map'], () => [map()], metrics.giniSparseness),
    plain('entropy', ['map'], () => [map()], metrics.entropy),
    plain('meanIntensity', ['map'], () => [map()], metrics.meanIntensity),
    plain(
      'topOneAccuracy',
      ['predicted', 'labels'],
      () => [
        [1, 2],
        [1, 0],
      ],
      metrics.topOneAccuracy,
    ),
    plain(
      'rankCorrelation',
      ['left', 'right'],
      () => [
        [1, 2, 3],
        [3, 1, 2],
      ],
      metrics.rankCorrelation,
    ),
    plain('rankPixels', ['values', 'ties'], () => [[1, 2, 3], 'index-asc'], metrics.rankPixels),
    plain('areaUnderCurve', ['curve', 'fractions', 'rule'], () => [[0, 1], [0, 1], 'official'], metrics.areaUnderCurve),
    plain('defaultStepSize', ['height', 'width'], () => [8, 8], metrics.defaultStepSize),
    plain('blurImages', ['images', 'options'], () => [images, {sigma: 2}], metrics.blurImages),
    plain('blurWeights', ['options'], () => [{length: 5}], metrics.blurWeights),
    {
      ...plain(
        'maxSensitivity',
        ['image', 'explainer', 'options'],
        () => [image, library.gradCamExplainer(model), {...quick, numSamples: 2}],
        metrics.maxSensitivity,
      ),
      // Its explainer has a name of its own.
      says: ['maxSensitivity', 'gradCam'],
    },
    {
      ...plain(
        'randomizationCheck',
        ['images', 'makeExplainer', 'model', 'options'],
        () => [images, (copy: LayersModel): library.Explainer => library.gradCamExplainer(copy), model, {...quick}],
        metrics.randomizationCheck,
      ),
      // Its explainer has a name of its own.
      says: ['randomizationCheck', 'gradCam'],
    },
    plain(
      'compare',
      ['options'],
      () => [
        {
          explainers: {random: library.randomExplainer(model), cam: library.gradCamExplainer(model)},
          metrics: [
            'insertion',
            'pointing',
            {metric: 'srg', name: 'grey', fill: 0.5, stepSize: 16},
            {name: 'peak', measure: (): number => 1},
          ],
          images: image,
          model: teacher,
          regions: [[[0, 0, 0.5, 0.5]]],
          settings: {insertion: {stepSize: 16}},
          limits: {cam: 1},
          ...quick,
        },
      ],
      metrics.compare,
    ),
    plain(
      'formatComparison',
      ['rows', 'options'],
      () => [
        [
          {
            method: 'a',
            values: {insertion: {mean: 0.5, standardError: 0.1, images: 2}},
            images: 2,
            emptyMaps: 0,
            tiedMaps: 0,
            perImage: [],
          },
        ],
        {digits: 2},
      ],
      metrics.formatComparison,
    ),
    plain(
      'pairedDifferences',
      ['rows', 'options'],
      () => [
        ['a', 'b'].map((method) => ({
          method,
          values: {insertion: {mean: 0.5, standardError: 0.1, images: 1}},
          images: 1,
          emptyMaps: 0,
          tiedMaps: 0,
          perImage: [{index: 0, values: {insertion: 0.5}}],
        })),
        {reference: 'a'},
      ],
      metrics.pairedDifferences,
    ),

    plain(
      'distillationLoss',
      ['studentLogits', 'teacherLogits', 'oneHotLabels', 'options'],
      () => [logits, logits, labels, {alpha: 0.5}],
      losses.distillationLoss,
    ),
    plain(
      'explanationLoss',
      ['originalLogits', 'maskedLogits', 'saliency', 'options'],
      () => [logits, logits, saliency, {lambda: 1e-4}],
      losses.explanationLoss,
    ),
    plain('rankingMask', ['map', 'options'], () => [saliency, {softness: 0.5, seed: 1}], losses.rankingMask),
    plain('standardizeMap', ['map'], () => [saliency], losses.standardizeMap),
    plain(
      'rankingLoss',
      ['insertedLogits', 'deletedLogits', 'targets'],
      () => [logits, logits, Array.from({length: logits.shape[0]}, () => 1)],
      losses.rankingLoss,
    ),
    plain('binaryDivergence', ['targetLogits', 'logits'], () => [logits, logits], losses.binaryDivergence),
    plain('klDivergence', ['targetLogits', 'logits'], () => [logits, logits], losses.klDivergence),
    plain('classLogits', ['logits'], () => [logits], losses.classLogits),
    plain('combineLosses', ['losses'], () => [{a: {values: logits, weight: 2}}], losses.combineLosses),
    plain('sparsityWeight', ['lambda', 'height', 'width', 'rule'], () => [1e-4, 8, 8, 'per-224'], losses.sparsityWeight),

    layer('CBAM', {ratio: 2, kernelSize: 3}),
    layer('ChannelAttention', {ratio: 2}),
    layer('SpatialAttention', {kernelSize: 3}),
    layer('AttentionDelta', {mode: 'signed'}),
    layer('UpsampleBlock', {filters: 4, size: [8, 8]}),
    layer('BilinearResize', {size: [8, 8]}),
    layer('TokensToGrid', {size: [2, 2], classToken: false}),
    layer('GridToTokens', {}),

    plain('describeTeacher', ['model'], () => [model], library.describeTeacher),
    plain(
      'teacherFromScores',
      ['score', 'options'],
      () => [(): number[][] => [[1, 0, 0]], {inputShape: [SIZE, SIZE, 3], numClasses: 3}],
      library.teacherFromScores,
    ),
    plain(
      'scoresFromOnnx',
      ['session', 'options'],
      () => [{inputNames: ['x'], outputNames: ['y'], run: (): Promise<object> => Promise.resolve({})}, {Tensor: Object}],
      library.scoresFromOnnx,
    ),
    plain(
      'scoresFromLabels',
      ['labels', 'classify'],
      () => [['a', 'b'], (): Promise<unknown[]> => Promise.resolve([])],
      library.scoresFromLabels,
    ),
    plain('teacherFromGraphModel', ['graphModel', 'options'], () => [graph, {preprocessing: 'tf'}], library.teacherFromGraphModel),
    plain('loadTeacher', ['from', 'options'], () => ['quickstart/teacher', {preprocessing: 'tf'}], library.loadTeacher),
    plain('teacherFromLayersModel', ['model', 'options'], () => [model, {preprocessing: 'tf'}], library.teacherFromLayersModel),
    plain(
      'studentFromTeacher',
      ['options'],
      () => [{ratio: 2}],
      (options: never) => library.studentFromTeacher(options)(teacher, {seed: 1}),
    ),
    plain(
      'studentFromModel',
      ['trained', 'options'],
      () => [model, {preprocessing: 'tf', scales: 2}],
      (trained: never, options: never) => library.studentFromModel(trained, options)(teacher, {seed: 1}),
    ),
    plain('residualStudent', ['options'], () => [{depth: 18, width: 2}], models.residualStudent),
    plain(
      'explanationDecoder',
      ['tapShapes', 'inputSize', 'options'],
      () => [
        [
          [8, 8, 4],
          [4, 4, 4],
          [2, 2, 6],
        ],
        [8, 8],
        {filters: [2, 2, 2]},
      ],
      models.explanationDecoder,
    ),
    plain('attentionSites', ['teacherModel'], () => [model], models.attentionSites),
    plain('listLayers', ['model'], () => [model], models.listLayers),
    plain('executeGraph', ['model', 'inputs', 'options'], () => [model, images, {training: false}], models.executeGraph),
    plain('contrast', ['a', 'b'], () => [0, 1], library.contrast),
    plain('cosineSchedule', ['epoch', 'epochs'], () => [1, 10], library.cosineSchedule),
    plain('stepSchedule', ['options'], () => [{every: 3, initialEpochs: 2}], library.stepSchedule),
    plain('selectBackend', ['options'], () => [{prefer: ['cpu']}], library.selectBackend),
    plain('checkBackend', ['task'], () => ['train'], library.checkBackend),

    plain(
      'batchesOf',
      ['images', 'options'],
      () => [[picture(), picture()], {batchSize: 1, labels: [0, 1]}],
      (...args: Parameters<typeof data.batchesOf>) => [...data.batchesOf(...args)(0)],
    ),
    plain('toNetworkInput', ['images', 'spec'], () => [[picture()], teacher], data.toNetworkInput),
    plain('toDisplayPixels', ['image', 'preprocessing'], () => [image, 'tf'], data.toDisplayPixels),
    plain(
      'readImage',
      ['source', 'options'],
      () => [picture(), {background: [0, 0, 0]}],
      (source: never, options: never) =>
        // In Node there is nothing that it takes: what is checked is the options.
        data.readImage(source, options).catch((error: Error) => {
          if (!error.message.includes('source must be')) throw error;
        }),
    ),
    plain('resizeBilinear', ['images', 'size', 'options'], () => [images, [4, 4], {antialias: true}], data.resizeBilinear),

    plain('colorize', ['map', 'options'], () => [map(), {range: [0, 1]}], render.colorize),
    plain('overlay', ['image', 'map', 'options'], () => [picture(), map(), {opacity: 0.4}], render.overlay),
    plain(
      'draw',
      ['canvas', 'image', 'map', 'options'],
      () => [{getContext: (): null => null}, picture(), map(), {opacity: 0.4}],
      (...args: Parameters<typeof render.draw>) => {
        try {
          render.draw(...args);
        } catch (error) {
          // Right arguments come as far as this in Node; test/browser has the rest.
          if (!/needs a canvas/.test((error as Error).message)) throw error;
        }
      },
    ),
    plain('maskImage', ['image', 'map', 'options'], () => [picture(), map(), {fill: [1, 2, 3]}], render.maskImage),
    plain('outline', ['mask', 'width', 'height', 'options'], () => [values(64, 3), 8, 8, {side: 'outside'}], render.outline),
    plain('paint', ['image', 'mask', 'color'], () => [picture(), values(64, 3), [1, 2, 3]], render.paint),
    plain('resizeMap', ['map', 'size'], () => [map(), [4, 4]], render.resizeMap),
    plain('toRgba', ['image'], () => [picture()], render.toRgba),

    plain(
      'planShards',
      ['options'],
      () => [{task: {kind: 'scores', numMasks: 2}, images: structuredClone(shardImages), model: 'm', shardSize: 32}],
      node.planShards,
    ),
    // Its parts are left as they are: it frees the tensors that are read.
    plain(
      'runShard',
      ['plan', 'index', 'options'],
      () => [structuredClone(plan), 0, {store: emptyStore()}],
      (first: never, second: never, third: node.RunShardOptions) =>
        node.runShard(first, second, typeof third === 'object' && third !== null ? {...third, parts: shardParts} : third),
    ),
    plain(
      'readShards',
      ['plan', 'options'],
      () => [structuredClone(plan), {store: {...fullStore}}],
      async (...args: Parameters<typeof node.readShards>) => {
        for await (const record of node.readShards(...args)) return record;
        return undefined;
      },
    ),
    plain('mergeShards', ['plan', 'options'], () => [structuredClone(plan), {store: {...fullStore}}], node.mergeShards),
    plain('missingShards', ['plan', 'store'], () => [structuredClone(plan), {...fullStore}], node.missingShards),
    plain('assignedShards', ['plan', 'share'], () => [structuredClone(plan), {index: 0, count: 2}], node.assignedShards),
    plain('writePlan', ['plan', 'store'], () => [structuredClone(plan), emptyStore()], node.writePlan),
    plain('readPlan', ['id', 'store'], () => [plan.id, {...fullStore}], node.readPlan),
    plain('hashFiles', ['files'], () => [[`${folder}/a.png`]], node.hashFiles),
    plain('folderStore', ['folder'], () => [`${folder}/shards`], node.folderStore),
    plain('decodeImage', ['source', 'options'], () => [`${folder}/a.png`, {size: [4, 4]}], node.decodeImage),
    plain('imageFolder', ['folder', 'options'], () => [folder, {batchSize: 1, size: [4, 4]}], firstBatch(node.imageFolder)),
    plain('cub200', ['root', 'options'], () => [dataSets, {split: 'train', ...ofPart}], firstBatch(node.cub200)),
    plain(
      'fgvcAircraft',
      ['root', 'options'],
      () => [dataSets, {split: 'test', level: 'family', ...ofPart}],
      firstBatch(node.fgvcAircraft),
    ),
    plain(
      'imageNet',
      ['root', 'options'],
      () => [`${dataSets}/imagenet`, {split: 'val', leftOut: [1], ...ofPart}],
      firstBatch(node.imageNet),
    ),
    plain('stanfordCars', ['root', 'options'], () => [dataSets, {split: 'train', ...ofPart}], firstBatch(node.stanfordCars)),
    plain(
      'writePng',
      ['file', 'image'],
      () => [`${folder}/out/b.png`, picture()],
      (file: never, image: never) => node.writePng(within(folder, file), image),
    ),
    plain(
      'pictureSheet',
      ['rows', 'options'],
      () => [[{title: 'a', cells: [{image: picture(), caption: 'b'}]}], {cellSize: 16}],
      node.pictureSheet,
    ),
    plain('explainReport', ['options'], reportArgs, library.explainReport),
    {
      ...plain(
        'writeReport',
        ['file', 'options'],
        () => [`${folder}/out/report.html`, ...reportArgs()],
        (file: never, options: never) => node.writeReport(within(folder, file), options),
      ),
      says: ['writeReport', 'explainReport'],
    },
    plain(
      'view',
      ['folder', 'options'],
      () => [`${folder}/out/view`, ...reportArgs()],
      (file: never, options: never) => node.view(within(folder, file), options),
    ),
    plain('loadLayersModelFromFiles', ['path', 'customObjects'], () => ['quickstart/teacher', {}], node.loadLayersModelFromFiles),
    plain('loadGraphModelFromFiles', ['path'], () => [`${folder}/graph`], node.loadGraphModelFromFiles),
    plain('fileModelHandler', ['path'], () => ['quickstart/teacher/model.json'], node.fileModelHandler),

    {
      name: 'fineTune',
      params: ['model', 'batches', 'options'],
      args: () => [
        model,
        [{images: picturesOf(2), labels: [0, 1]}],
        {numClasses: 2, preprocessing: 'tf', epochs: 1, onProgress: (): void => undefined},
      ],
      run: (...args: Parameters<typeof library.fineTune>) => library.fineTune(...args).then((tuned) => tuned.model.dispose()),
    },
    {
      name: 'AttentiveDistiller.create',
      says: ['AttentiveDistiller', 'studentFromTeacher', 'explanationDecoder', 'teacherFromLayersModel'],
      params: ['options'],
      args: () => [{teacher, decoder: {filters: [2, 2, 2]}, seed: 1}],
      run: (options: never) => library.AttentiveDistiller.create(options),
    },
    {
      name: 'AttentiveDistiller.train',
      says: ['train'],
      params: ['batches', 'options'],
      args: () => [[{images: picturesOf(2), labels: [0, 1]}], {epochs: 1, onProgress: (): void => undefined}],
      run: async (batches: never, options: never) => {
        const fresh = await library.AttentiveDistiller.create({teacher, decoder: {filters: [2, 2, 2]}});
        return fresh.train(batches, options).finally(() => fresh.dispose());
      },
    },
    {
      name: 'AttentiveDistiller.explain',
      says: ['explain'],
      params: ['images', 'options'],
      args: () => [images, {...quick, refine: 0, refineSize: 4, seed: 1}],
      run: (given: never, options: never) => distiller.explain(given, options),
    },
    {
      name: 'AttentiveDistiller.evaluate',
      says: ['evaluate'],
      params: ['batches', 'options'],
      args: () => [[{images: picturesOf(2), labels: [0, 1]}], {stepSize: 16}],
      run: (batches: never, options: never) => distiller.evaluate(batches, options),
    },
    {
      name: 'AttentiveDistiller.save',
      says: ['AttentiveDistiller.save'],
      params: ['url'],
      args: () => [`file://${folder}/saved`],
      run: (url: never) => distiller.save(within(folder, url)),
    },
  ];
  const lasting: unknown[] = [teacher, model, images, image, logits, labels, saliency];
  return {
    calls,
    lasting,
    dispose: () => {
      distiller.dispose();
      for (const each of lasting.slice(1)) (each as Tensor).dispose();
    },
  };
}

const picturesOf = (count: number): object[] => Array.from({length: count}, picture);

/** Texts that lead out of the folder of the test become names in it; everything else stays. */
function within(folder: string, file: never): never {
  const text: unknown = file;
  if (typeof text !== 'string' || text === '' || text.startsWith(folder) || text.includes('://') || text.includes('\0')) return file;
  return `${folder}/out/${encodeURIComponent(text)}` as never;
}

/** Whether a value is an options object. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
