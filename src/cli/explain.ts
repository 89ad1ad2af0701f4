/** `explain`: photos in; overlays, a line of JSON for each and a table out. */
import {join} from 'node:path';
import {formatTable} from '../core/format-table.js';
import type {DecodedImage, SaliencyMap} from '../core/types.js';
import {VERSION} from '../core/version.js';
import {giniSparseness} from '../metrics/of-map/gini-sparseness.js';
import {deletionScore} from '../metrics/of-model/deletion-score.js';
import {insertionScore} from '../metrics/of-model/insertion-score.js';
import {writePng} from '../node/write-png.js';
import {readTarget} from './class-names.js';
import {drawMaps, mapsPerPicture, topClasses, type DrawOptions} from './draw-maps.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import {Explanations, type Explanation} from './explanations.js';
import {findPictures} from './find-pictures.js';
import type {ColorFlags, MethodFlags, ModelFlags, PictureFlags, RunFlags} from './flags.js';
import {bestMethod, chooseMethods, readMethodNames, unknown, type ChosenMethod} from './methods.js';
import {fingerprint, openModel, type OpenModel} from './open-model.js';
import {drawOverlay, peakPlace} from './place-map.js';
import {readPictures, type ReadPicture} from './read-pictures.js';
import {openRun, type RunRecord} from './run-record.js';
import {LeftOut, type Context} from './terminal.js';

/** Flags of `explain`. */
export interface ExplainFlags extends ModelFlags, RunFlags, PictureFlags, MethodFlags, ColorFlags {
  readonly out: string;
  readonly target: string;
  readonly metrics?: string | undefined;
  readonly force?: boolean | undefined;
}

const metrics = {insertion: insertionScore, deletion: deletionScore} as const;
type MetricName = keyof typeof metrics;

const COLUMNS = ['file', 'method', 'target', 'class', 'score', 'map', 'empty', 'gini', 'peakX', 'peakY'];
const SHOWN = 20;

/** Runs the command. */
export async function explain(sources: readonly string[], flags: ExplainFlags, {terminal, signal}: Context): Promise<ExitCode> {
  const {out, limit, strict = false, maxSide, seed} = flags;
  const found = (await findPictures(sources)).pictures.slice(0, limit);
  const chosenMetrics = readMetrics(flags.metrics);
  readMethodNames(flags.method); // Before a model is loaded for nothing.
  const model = await openModel(flags, {terminal, signal, forPictures: true});
  try {
    const {teacher, names} = model;
    const wanted = readTarget(flags.target, Math.max(2, teacher.numClasses), names);
    const methods = chooseMethods(flags, model, [bestMethod(model)]);
    if (flags.method === undefined && model.distiller === undefined)
      terminal.note(`Method: ${methods[0]?.name}. (With --explainer FOLDER, what distil has made draws.)`);
    const batchSize = Math.min(flags.batchSize, model.maxBatch ?? Infinity);
    const goesOn = await openRun(out, 'run.json', await recordOf(flags, model, methods), flags.force ?? false);
    const perPicture = methods.length * mapsPerPicture(wanted);
    const table = await Explanations.open(out, {pictures: found, columns: [...COLUMNS, ...chosenMetrics], perPicture, goesOn, names});
    if (table.count > 0) terminal.note(`${table.count} of ${found.length} are there already.`);
    const leftOut = new LeftOut();
    for (const each of table.all) terminal.record(each);

    let batchStart = 0;
    const total = found.length * methods.length;
    const already = table.count * methods.length;
    const tell = (done: number, note?: string): void => terminal.progress({stage: 'explain', done: already + done, total}, note);
    // What works on single images would gain nothing from a batch, and a stop would lose more.
    const atOnce = methods.some(({single}) => single) ? 1 : batchSize;
    const drawing: Omit<DrawOptions, 'onProgress'> = {wanted, teacher, seed, batchSize, signal};
    const job = {flags, model, methods, metrics: chosenMetrics, drawing, batchSize};
    try {
      for await (const batch of readPictures(table.missing, {batchSize: atOnce, maxSide, strict, leftOut, signal})) {
        const rows = await explainBatch(batch, job, (done, note) => tell(batchStart + done, note));
        for (const [index, {picture}] of batch.entries()) {
          const explanations = rows[index] as readonly Explanation[];
          await table.add(picture.file, explanations);
          for (const each of explanations) terminal.record(each);
        }
        batchStart = (table.count + leftOut.count) * methods.length - already;
        tell(batchStart);
      }
    } catch (error) {
      if (error !== signal.reason) throw error;
      const {exitCode} = signal.reason as CommandError;
      throw new CommandError(
        `Stopped: ${table.count} of ${found.length} pictures are explained, in ${out}. The same command goes on from there.`,
        exitCode,
      );
    } finally {
      terminal.endProgress();
      await table.close();
      leftOut.tell(terminal);
    }
    terminal.text(summary(table.all, out));
    if (table.count === 0) throw new CommandError('None of the pictures can be read.', exitCodes.noPictures);
    return leftOut.count > 0 ? exitCodes.leftOut : exitCodes.done;
  } finally {
    await model.dispose();
  }
}

interface Job {
  readonly flags: ExplainFlags;
  readonly model: OpenModel;
  readonly methods: readonly ChosenMethod[];
  readonly metrics: readonly MetricName[];
  readonly drawing: Omit<DrawOptions, 'onProgress'>;
  readonly batchSize: number;
}

/** Explains some pictures by all methods, and writes their overlays. */
async function explainBatch(
  batch: readonly ReadPicture[],
  job: Job,
  tell: (done: number, note: string) => void,
): Promise<readonly (readonly Explanation[])[]> {
  const {methods, drawing} = job;
  const images = batch.map(({image}) => image);
  const rows: Explanation[][] = batch.map(() => []);
  if (images.length === 0) return rows;
  const top = await topClasses(images, {...drawing, onProgress: () => undefined});
  for (const [rank, method] of methods.entries()) {
    const onProgress: DrawOptions['onProgress'] = ({done, total}) => tell(rank * images.length, `${method.name} ${done}/${total}`);
    const drawn = await drawMaps(method, images, top, {...drawing, onProgress});
    for (const [index, read] of batch.entries()) {
      for (const map of drawn[index] as readonly SaliencyMap[]) rows[index]?.push(await explanationOf(read, map, method.name, job));
    }
  }
  return rows;
}

/** Writes one overlay, and says what it shows. */
async function explanationOf({picture, image}: ReadPicture, map: SaliencyMap, method: string, job: Job): Promise<Explanation> {
  const {flags, model, methods, drawing, metrics: names} = job;
  const {teacher} = model;
  const {wanted} = drawing;
  const parts = [picture.stem, ...(mapsPerPicture(wanted) > 1 ? [String(map.target)] : []), ...(methods.length > 1 ? [method] : []), 'png'];
  const name = parts.join('.');
  const {colormap, opacity, out} = flags;
  await writePng(join(out, name), drawOverlay(image, map, teacher, {colormap, opacity}));
  const {x, y} = peakPlace(image, map, teacher);
  return {
    file: picture.file,
    method,
    target: map.target,
    class: model.names?.[map.target] ?? null,
    score: rounded(map.score),
    map: name,
    empty: map.empty,
    gini: rounded(giniSparseness(map)),
    peakX: rounded(x),
    peakY: rounded(y),
    ...(await measured(names, image, map, job)),
  };
}

async function measured(names: readonly MetricName[], image: DecodedImage, map: SaliencyMap, job: Job): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  const {flags, model, batchSize, drawing} = job;
  const options = {target: map.target, batchSize, seed: flags.seed, workers: flags.workers, signal: drawing.signal};
  for (const name of names) values[name] = rounded((await metrics[name](image, map, model.teacher, options)).auc);
  return values;
}

/** What the results depend on. */
async function recordOf(flags: ExplainFlags, opened: OpenModel, methods: readonly ChosenMethod[]): Promise<RunRecord> {
  const {model, explainer} = opened.flags;
  const {target, metrics: figures, seed, maxSide, colormap, opacity} = flags;
  return {
    program: `attentive-distiller ${VERSION}`,
    model,
    explainer,
    fingerprint: await fingerprint(opened),
    preprocessing: opened.teacher.preprocessing,
    methods: Object.fromEntries(methods.map(({name, settings}) => [name, settings])),
    target,
    metrics: figures,
    seed,
    maxSide,
    colormap,
    opacity,
  };
}

function readMetrics(text: string | undefined): MetricName[] {
  const names = text?.split(',').map((name) => name.trim()) ?? [];
  return names.map((name) => {
    if (!Object.hasOwn(metrics, name)) throw unknown('--metrics', name, Object.keys(metrics));
    return name as MetricName;
  });
}

/** A number of six digits: more are not known, and backends differ there. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function summary(all: readonly Explanation[], out: string): string {
  const several = new Set(all.map(({method}) => method)).size > 1;
  const rows = all
    .slice(0, SHOWN)
    .map(({file, method, target, class: name, score, map}) => [
      file,
      ...(several ? [method] : []),
      name?.split(',')[0] ?? `class ${target}`,
      score,
      join(out, map),
    ]);
  const more = all.length > SHOWN ? `\n… and ${all.length - SHOWN} more.` : '';
  const header = ['photo', ...(several ? ['method'] : []), 'class', 'score', 'overlay'];
  return `${formatTable(header, rows)}${more}\nTable: ${join(out, 'explanations.csv')}, and as JSON lines ${join(out, 'explanations.jsonl')}`;
}
