/** `compare`: several methods and metrics on the same photos: a table, with standard errors. */
import {mkdir} from 'node:fs/promises';
import {tidy, unstack, type Tensor3D} from '@tensorflow/tfjs-core';
import type {Progress} from '../core/types.js';
import {toNetworkInput} from '../data/network-input.js';
import {compare as compareAll} from '../metrics/compare/compare.js';
import {namedMetrics, type MetricName} from '../metrics/compare/named-metrics.js';
import {readTarget, type Wanted} from './class-names.js';
import {reportOn, type ReportPlace} from './comparison-report.js';
import {compareInShards} from './compare-in-shards.js';
import {explainersOf, noneReadable, type AskedComparison, type Compared, type ComparisonWork} from './comparison-work.js';
import {tellComparison} from './comparison-output.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import {findPictures} from './find-pictures.js';
import type {MethodFlags, ModelFlags, PictureFlags, RunFlags} from './flags.js';
import {bestMethod, chooseMethods, readMethodNames, unknown} from './methods.js';
import {openModel} from './open-model.js';
import {readPictures} from './read-pictures.js';
import {writing} from './run-record.js';
import type {ShardShare} from '../node/shards/assigned.js';
import {LeftOut, type Context} from './terminal.js';

const metricNames = Object.keys(namedMetrics);

/** Flags of `compare`. */
export interface CompareFlags extends ModelFlags, RunFlags, PictureFlags, MethodFlags {
  readonly out?: string | undefined;
  readonly target: string;
  readonly metrics: string;
  readonly reference?: string | undefined;
  readonly limits?: string | undefined;
  readonly report?: string | undefined;
  readonly shards?: string | undefined;
  readonly shard?: ShardShare | undefined;
}

// They need to be told where the evidence is.
const WITH_REGIONS: readonly string[] = ['pointing', 'energy'];

/** Runs the command. */
export async function compare(sources: readonly string[], flags: CompareFlags, {terminal, signal}: Context): Promise<ExitCode> {
  const {out, limit, strict = false, maxSide, seed, workers, reference, report, shards, shard} = flags;
  if (shard !== undefined && shards === undefined) {
    throw new CommandError('--shard needs --shards FOLDER, a folder that all processes see: the parts are kept there.');
  }
  if (report !== undefined && shards !== undefined)
    throw new CommandError('--report and --shards: parts keep numbers, no maps, so there is nothing to draw. Leave one of them out.');
  const pictures = (await findPictures(sources)).pictures.slice(0, limit);
  const metrics = readMetrics(flags.metrics);
  readMethodNames(flags.method); // Before a model is loaded for nothing.
  const model = await openModel(flags, {terminal, signal, forPictures: true});
  const leftOut = new LeftOut();
  try {
    if (out !== undefined) await writing(out, () => mkdir(out, {recursive: true}));
    const {teacher, names} = model;
    const target = singleTarget(readTarget(flags.target, Math.max(2, teacher.numClasses), names));
    const methods = chooseMethods(flags, model, [...new Set([bestMethod(model), 'rise', 'random'])]);
    const known = methods.map(({name}) => name);
    if (reference !== undefined && !known.includes(reference)) throw unknown('--reference', reference, known);
    const limits = readLimits(flags.limits, known);
    const batchSize = Math.min(flags.batchSize, model.maxBatch ?? Infinity);
    const asked: AskedComparison = {metrics, target, limits, batchSize, seed, warmUp: metrics.includes('seconds')};
    const work: ComparisonWork = {pictures, methods, asked, model, maxSide, strict, workers, leftOut, terminal, signal};
    const compared =
      shards === undefined
        ? await compareHere(work, report === undefined ? undefined : {file: report, reference})
        : await compareInShards(work, {folder: shards, share: shard});
    if (compared !== undefined) {
      const {model: path, explainer, preprocessing} = model.flags;
      const settings = {model: path, explainer, preprocessing, target: flags.target, seed, maxSide, backend: model.backend};
      await tellComparison({...compared, names, settings}, {out, reference, terminal});
    }
    return leftOut.count > 0 ? exitCodes.leftOut : exitCodes.done;
  } finally {
    terminal.endProgress();
    leftOut.tell(terminal);
    await model.dispose();
  }
}

/** All at once, in this process. */
async function compareHere(work: ComparisonWork, report: ReportPlace | undefined): Promise<Compared> {
  const {pictures, methods, asked, model, maxSide, strict, workers, leftOut, terminal, signal} = work;
  const images: Tensor3D[] = [];
  const files: string[] = [];
  try {
    for await (const batch of readPictures(pictures, {batchSize: 16, maxSide, strict, leftOut, signal})) {
      if (batch.length === 0) continue;
      const decoded = batch.map(({image}) => image);
      images.push(...tidy(() => unstack(toNetworkInput(decoded, model.teacher)) as Tensor3D[]));
      files.push(...batch.map(({picture}) => picture.file));
    }
    if (images.length === 0) throw noneReadable();
    const explainers = explainersOf(methods);
    const onProgress = (progress: Progress): void => terminal.progress(progress);
    const details = report !== undefined;
    const rows = await compareAll({...asked, explainers, images, model: model.teacher, workers, details, signal, onProgress});
    terminal.endProgress();
    return {files, rows: report === undefined ? rows : await reportOn({files, rows}, {...work, images}, report)};
  } finally {
    for (const image of images) image.dispose();
  }
}

function readMetrics(text: string): MetricName[] {
  return text.split(',').map((part) => {
    const name = part.trim();
    if (WITH_REGIONS.includes(name))
      throw new CommandError(
        `--metrics: ${name} needs to be told where the evidence is, for which there is no flag: use compare() of the library.`,
      );
    if (!metricNames.includes(name))
      throw unknown(
        '--metrics',
        name,
        metricNames.filter((each) => !WITH_REGIONS.includes(each)),
      );
    return name as MetricName;
  });
}

function readLimits(text: string | undefined, methods: readonly string[]): Record<string, number> | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(',').map((part): [string, number] => {
    const [name = '', count = ''] = part.trim().split('=');
    if (!methods.includes(name)) throw unknown('--limits', name, methods);
    if (!/^[1-9]\d*$/.test(count)) throw new CommandError(`--limits: '${part}' must be method=count, such as ${methods[0]}=20.`);
    return [name, Number(count)];
  });
  return Object.fromEntries(entries);
}

function singleTarget(wanted: Wanted): 'argmax' | number {
  const [only, ...others] = 'classes' in wanted ? wanted.classes : [];
  if (others.length > 0 || ('top' in wanted && wanted.top > 1))
    throw new CommandError('--target: a comparison is about one class of each picture: top, or a class.');
  return only ?? 'argmax';
}
