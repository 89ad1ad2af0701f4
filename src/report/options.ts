/** What a report is made of, and the checks before anything is drawn. */
import {Tensor} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {runFields} from '../core/common-options.js';
import {absentMeans, custom, either, integer, list, number, oneOf, record, required, text, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {preprocessingField, resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import type {ImagesInput, Preprocessing, RunOptions} from '../core/types.js';
import {checkImages} from '../data/image-list.js';
import type {TrainingProgress} from '../distiller/progress.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import {colormapNames, type ColormapName} from '../render/colormap.js';
import {checkMap, type MapLike} from '../render/pixels.js';

/** What is drawn, and how. */
export interface PicturesOptions extends RunOptions {
  /** The images, in the order of the comparison; tensors need `preprocessing`. Borrowed. */
  readonly images: ImagesInput;
  /** What `compare({…, details: true})` returned. Without `details` there are no curves, and maps only where `maps` has them. @default none */
  readonly rows?: readonly ComparisonRow[] | undefined;
  /** Maps by method, one for each image, where `rows` has none. @default none */
  readonly maps?: Readonly<Record<string, readonly MapLike[]>> | undefined;
  /** How pixels became network input: makes pictures of tensors again, and says with `fit` what the network saw. @default none */
  readonly preprocessing?: Preprocessing | PreprocessingName | undefined;
  /** Names of the images, such as their files. @default 'image 1', 'image 2', … */
  readonly names?: readonly string[] | undefined;
  /** Names of the classes, in their order. @default none */
  readonly labels?: readonly string[] | undefined;
  /** The colour scale of maps. @default 'viridis' */
  readonly colormap?: ColormapName | undefined;
  /** Share of the map in the mixture with the grey picture, 0–1. @default 0.7 */
  readonly opacity?: number | undefined;
  /**
   * The one scale that all maps share. `'ranks'`: the 40% of the pixels that a map ranks highest, by rank, which is what insertion
   * and deletion read and fits methods whose values have different units. `'values'`: the values themselves, from the lowest to
   * the highest of all maps, 0 to 1 where all lie there. @default 'ranks'
   */
  readonly scale?: 'ranks' | 'values' | undefined;
  /** With `scale: 'values'`: its two ends. @default those of the maps */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** Longer side of a picture in pixels, 32–2048; smaller ones stay as they are. @default 224 */
  readonly pictureSize?: number | undefined;
}

/** The report's options. */
export interface ReportOptions extends PicturesOptions {
  /** The heading, and the title of the page. @default 'Saliency report' */
  readonly title?: string | undefined;
  /** What else should be known: model, data set, date. Shown below the title. @default none */
  readonly facts?: Readonly<Record<string, string | number>> | undefined;
  /** The method that the table of paired differences subtracts. @default the first of the rows */
  readonly reference?: string | undefined;
  /** What a metric of one's own tells and does not tell, by its name; goes before the report's own words. @default none */
  readonly notes?: Readonly<Record<string, string>> | undefined;
  /** The records of `fit` or `train`, for the training curves. @default none */
  readonly training?: readonly TrainingProgress[] | undefined;
}

/** `PicturesOptions` with their defaults. */
export type PicturesSettings = Settled<
  PicturesOptions,
  'rows' | 'maps' | 'preprocessing' | 'names' | 'labels' | 'range' | 'signal' | 'onProgress'
>;

/** `ReportOptions` with their defaults. */
export type ReportSettings = PicturesSettings &
  Settled<Omit<ReportOptions, keyof PicturesOptions>, 'facts' | 'reference' | 'notes' | 'training'>;

const rowField = /* @__PURE__ */ custom<ComparisonRow>('a row of compare()', (value) => {
  const {method, values, perImage} = (value ?? {}) as Partial<ComparisonRow>;
  return typeof method === 'string' && typeof values === 'object' && (values as unknown) !== null && Array.isArray(perImage)
    ? undefined
    : 'kind';
});
const recordField = /* @__PURE__ */ custom<TrainingProgress>('a record of fit()', (value) => {
  const {stage, kind, losses} = (value ?? {}) as Partial<TrainingProgress>;
  return typeof stage === 'string' && typeof kind === 'string' && typeof losses === 'object' && (losses as unknown) !== null
    ? undefined
    : 'kind';
});
const anyMap = /* @__PURE__ */ custom<MapLike>('a map {data, height, width}', () => undefined);

/** Fields of {@link PicturesOptions}. */
export const picturesFields: OptionsSchema<PicturesSettings>['fields'] = /* @__PURE__ */ (() => ({
  images: required(custom<ImagesInput>('images', () => undefined)),
  rows: absentMeans(list(rowField, 1), 'none'),
  maps: absentMeans(record(list(anyMap, 1)), 'none'),
  preprocessing: absentMeans(preprocessingField, 'none'),
  names: absentMeans(list<string>(text()), "'image 1', 'image 2', …"),
  labels: absentMeans(list<string>(text()), 'none'),
  colormap: withDefault(oneOf(...colormapNames), 'viridis'),
  opacity: withDefault(number(0, 1), 0.7),
  scale: withDefault(oneOf('ranks', 'values'), 'ranks'),
  range: absentMeans(tuple<readonly [number, number]>('[low, high]', number(), number()), 'those of the maps'),
  pictureSize: withDefault(integer(32, 2048), 224),
  ...runFields,
}))();

/** The options of `explainReport`. */
export const explainReportSchema: OptionsSchema<ReportSettings> = /* @__PURE__ */ (() => ({
  where: 'explainReport',
  fields: {
    ...picturesFields,
    title: withDefault(text(), 'Saliency report'),
    facts: absentMeans(record(either<string | number>(text(), number())), 'none'),
    reference: absentMeans(text(), 'the first of the rows'),
    notes: absentMeans(record(text()), 'none'),
    training: absentMeans(list(recordField), 'none'),
  },
}))();

/** One method, with its map of every image that it got. */
export interface ReportMethod {
  readonly name: string;
  readonly maps: readonly (MapLike | undefined)[];
  readonly row: ComparisonRow | undefined;
}

/** What the options describe, checked. */
export interface ReportPlan<S> {
  readonly settings: S;
  readonly numImages: number;
  readonly names: readonly string[];
  readonly preprocessing: Preprocessing | undefined;
  readonly methods: readonly ReportMethod[];
}

/**
 * Checks the options.
 *
 * @throws {TypeError | RangeError} If one is of the wrong kind or does not fit the others.
 */
export function planReport<S extends PicturesSettings>(schema: OptionsSchema<S>, options: unknown): ReportPlan<S> {
  const settings = readOptions(schema, options);
  const {where} = schema;
  const {images, rows = [], maps = {}, names, range} = settings;
  const numImages = checkImages(where, images);
  for (const image of [images].flat()) {
    if (image instanceof Tensor && ((image.rank !== 3 && image.rank !== 4) || image.dtype !== 'float32'))
      throw new RangeError(
        `${where}: images must be float32 of shape [H, W, C] or [N, H, W, C], but are ${image.dtype} [${image.shape.join(', ')}].`,
      );
  }
  if (names !== undefined && names.length !== numImages)
    throw new RangeError(`${where}: names must be one for each image, but there are ${names.length} for ${numImages} images.`);
  if (range !== undefined && !(range[0] < range[1]))
    throw new RangeError(`${where}: range must be [low, high], low before high, but is ${show(range)}.`);
  const given = new Map(Object.entries(maps));
  for (const [method, list] of given) {
    if (list.length !== numImages)
      throw new RangeError(
        `${where}: maps[${show(method)}] must be one for each image, but there are ${list.length} for ${numImages} images.`,
      );
    list.forEach((map, index) => checkMap(`${where}: maps[${show(method)}][${index}]`, map));
  }
  const ofRows = rows.map((row, place): ReportMethod => {
    if (rows.findIndex(({method}) => method === row.method) !== place)
      throw new RangeError(`${where}: rows must each have a method of its own, but ${show(row.method)} is there twice.`);
    const own: (MapLike | undefined)[] = Array.from({length: numImages}, (_, index) => given.get(row.method)?.[index]);
    for (const {index, map} of row.perImage) {
      if (!(index < numImages))
        throw new RangeError(`${where}: images must be those of the rows, but ${show(row.method)} has an image ${index} of ${numImages}.`);
      if (map === undefined) continue;
      checkMap(`${where}: rows[${place}].perImage[${index}].map`, map);
      own[index] ??= map;
    }
    return {name: row.method, maps: own, row};
  });
  const others = [...given].filter(([method]) => !rows.some((row) => row.method === method));
  const methods = [...ofRows, ...others.map(([name, list]): ReportMethod => ({name, maps: list, row: undefined}))];
  if (methods.length === 0) throw new TypeError(`${where}: rows or maps must be given, but neither is: there is nothing to show.`);
  return {
    settings,
    numImages,
    names: names ?? Array.from({length: numImages}, (_, index) => `image ${index + 1}`),
    preprocessing: settings.preprocessing === undefined ? undefined : resolvePreprocessing(where, settings.preprocessing),
    methods,
  };
}
