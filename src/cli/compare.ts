/** `compare`: several methods and metrics on the same photos: a table, with standard errors. */
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {tidy, unstack, type Tensor3D} from '@tensorflow/tfjs-core';
import {VERSION} from '../core/version.js';
import {toNetworkInput} from '../data/network-input.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {compare as compareAll} from '../metrics/compare/compare.js';
import {formatComparison} from '../metrics/compare/format-comparison.js';
import {namedMetrics, type MetricName} from '../metrics/compare/named-metrics.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import {pairedDifferences} from '../metrics/compare/paired-differences.js';
import {readTarget, type Wanted} from './class-names.js';
import {toCsv} from './csv.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import {findPictures} from './find-pictures.js';
import type {MethodFlags, ModelFlags, PictureFlags, RunFlags} from './flags.js';
import {bestMethod, chooseMethods, readMethodNames, unknown} from './methods.js';
import {openModel, type OpenModel} from './open-model.js';
import {readPictures} from './read-pictures.js';
import {writing} from './run-record.js';
import {LeftOut, type Context} from './terminal.js';

const metricNames = Object.keys(namedMetrics);

/** Flags of `compare`. */
export interface CompareFlags extends ModelFlags, RunFlags, PictureFlags, MethodFlags {
  readonly out?: string | undefined;
  readonly target: string;
  readonly metrics: string;
  readonly reference?: string | undefined;
  readonly limits?: string | undefined;
}

// They need to be told where the evidence is.
const WITH_REGIONS: readonly string[] = ['pointing', 'energy'];

/** Runs the command. */
export async function compare(sources: readonly string[], flags: CompareFlags, {terminal, signal}: Context): Promise<ExitCode> {
  const {out, limit, strict = false, maxSide, seed, workers, reference} = flags;
  const pictures = (await findPictures(sources)).pictures.slice(0, limit);
  const metrics = readMetrics(flags.metrics);
  readMethodNames(flags.method); // Before a model is loaded for nothing.
  const model = await openModel(flags, {terminal, signal, forPictures: true});
  const leftOut = new LeftOut();
  const images: Tensor3D[] = [];
  const files: string[] = [];
  try {
    if (out !== undefined) await writing(out, () => mkdir(out, {recursive: true}));
    const {teacher, names} = model;
    const target = singleTarget(readTarget(flags.target, Math.max(2, teacher.numClasses), names));
    const methods = chooseMethods(flags, model, [...new Set([bestMethod(model), 'rise', 'random'])]);
    const known = methods.map(({name}) => name);
    if (reference !== undefined && !known.includes(reference)) throw unknown('--reference', reference, known);
    const limits = readLimits(flags.limits, known);
    const batchSize = Math.min(flags.batchSize, model.maxBatch ?? Infinity);
    for await (const batch of readPictures(pictures, {batchSize: 16, maxSide, strict, leftOut, signal})) {
      if (batch.length === 0) continue;
      const decoded = batch.map(({image}) => image);
      images.push(...tidy(() => unstack(toNetworkInput(decoded, teacher)) as Tensor3D[]));
      files.push(...batch.map(({picture}) => picture.file));
    }
    if (images.length === 0) throw new CommandError('None of the pictures can be read.', exitCodes.noPictures);
    const rows = await compareAll({
      explainers: Object.fromEntries(methods.map(({name, explainer}) => [name, explainer])),
      metrics,
      images,
      model: teacher,
      target,
      limits,
      batchSize,
      seed,
      workers,
      warmUp: metrics.includes('seconds'),
      signal,
      onProgress: (progress) => terminal.progress(progress),
    });
    terminal.endProgress();
    terminal.text(formatComparison(rows, {standardErrors: true}));
    if (reference !== undefined)
      terminal.text(
        `\nLess ${reference}, image by image:\n${formatComparison(pairedDifferences(rows, {reference}), {standardErrors: true})}`,
      );
    for (const row of rows) terminal.record({...row, perImage: undefined});
    if (out !== undefined) {
      await writing(out, () => write(out, rows, files, flags, model));
      terminal.text(
        `\nTables: ${join(out, 'comparison.csv')}, for each image ${join(out, 'comparison-images.csv')}; both: ${join(out, 'comparison.json')}`,
      );
    }
    return leftOut.count > 0 ? exitCodes.leftOut : exitCodes.done;
  } finally {
    terminal.endProgress();
    for (const image of images) image.dispose();
    leftOut.tell(terminal);
    await model.dispose();
  }
}

/** Writes the means, the numbers of every image, and all of it for programs. */
async function write(
  out: string,
  rows: readonly ComparisonRow[],
  files: readonly string[],
  flags: CompareFlags,
  model: OpenModel,
): Promise<void> {
  const metrics = Object.keys(rows[0]?.values ?? {});
  const means = rows.map(({method, images, emptyMaps, tiedMaps, values}) => ({
    method,
    images,
    emptyMaps,
    tiedMaps,
    ...Object.fromEntries(
      Object.entries(values).flatMap(([name, {mean, standardError}]) => [
        [name, mean],
        [`${name} standard error`, standardError],
      ]),
    ),
  }));
  const perImage = rows.flatMap(({method, perImage: all}) =>
    all.map(({index, target, score, explained, empty, values}) => ({
      file: files[index],
      method,
      target,
      class: model.names?.[target] ?? null,
      score,
      explained,
      empty,
      ...values,
    })),
  );
  const meanColumns = ['method', 'images', 'emptyMaps', 'tiedMaps', ...metrics.flatMap((name) => [name, `${name} standard error`])];
  const imageColumns = ['file', 'method', 'target', 'class', 'score', 'explained', 'empty', ...metrics];
  const {target, seed, maxSide} = flags;
  const {model: path, explainer, preprocessing} = model.flags;
  const settings = {
    program: `attentive-distiller ${VERSION}`,
    model: path,
    explainer,
    preprocessing,
    target,
    seed,
    maxSide,
    backend: model.backend,
  };
  await writeFileAtomically(out, 'comparison.csv', toCsv(meanColumns, means));
  await writeFileAtomically(out, 'comparison-images.csv', toCsv(imageColumns, perImage));
  await writeFileAtomically(out, 'comparison.json', `${JSON.stringify({settings, files, rows}, undefined, 1)}\n`);
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
