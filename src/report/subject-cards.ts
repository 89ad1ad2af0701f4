/** One card per image: the picture, and each method's map with its curves, as the paper's figure 5 has them. */
import {at} from '../core/at.js';
import type {ComparedImage} from '../metrics/compare/options.js';
import type {MapLike, RgbaImage} from '../render/pixels.js';
import {mapDomain, mapPlots} from './charts.js';
import type {PictureTools} from './encode-picture.js';
import {markup, type Markup, type Piece} from './markup.js';
import type {PicturesSettings, ReportMethod, ReportPlan} from './options.js';
import {drawMap, peakOf, shownPicture, type SharedScale} from './shown-pictures.js';
import {methodName, numberText} from './tables.js';

/** Draws the cards of all images, one after the other. */
export async function subjectCards(
  where: string,
  {settings, numImages, names, preprocessing, methods}: ReportPlan<PicturesSettings>,
  {tools, shared}: {tools: PictureTools; shared: SharedScale},
): Promise<Markup[]> {
  const {images, pictureSize: side, colormap, opacity, labels, signal, onProgress} = settings;
  const cards: Markup[] = [];
  for (let index = 0; index < numImages; index++) {
    signal?.throwIfAborted();
    const found = methods.map(({row}) => row?.perImage.find((image) => image.index === index));
    const drawn = methods.map(({maps}) => maps[index]);
    const picture = await shownPicture(
      {where, images, preprocessing, side, tools},
      index,
      drawn.find((map) => map !== undefined),
    );
    const name = at(names, index);
    const about = found.find((image) => image !== undefined);
    const domain = mapDomain(found);
    const figures: Markup[] = [];
    for (const [place, method] of methods.entries()) {
      const map = drawn[place];
      const image = found[place];
      if (map === undefined && image === undefined) continue;
      const source = map && (await tools.encode(drawMap(picture, map, shared, {colormap, opacity})));
      figures.push(figureOf(method, {place, map, image, source, picture, domain, name, labels}));
    }
    const source = await tools.encode(picture);
    const photo = markup`<figure><figcaption>picture</figcaption><div>${pictureTag(source, picture, `Picture ${index + 1}, ${name}, as the network saw it`)}</div></figure>`;
    cards.push(markup`<article class="card subject"><header><h3>${name}</h3><span class="soft">${aboutText(about, labels)}</span></header><div class="maps">${photo}${figures}</div></article>
`);
    onProgress?.({stage: where, done: index + 1, total: numImages});
  }
  return cards;
}

interface Figure {
  readonly place: number;
  readonly map: MapLike | undefined;
  readonly image: ComparedImage | undefined;
  readonly source: string | undefined;
  readonly picture: RgbaImage;
  readonly domain: readonly [number, number];
  readonly name: string;
  readonly labels: readonly string[] | undefined;
}

function figureOf(method: ReportMethod, {place, map, image, source, picture, domain, name, labels}: Figure): Markup {
  const whose = `${method.name}, ${name}`;
  const drawn: Piece =
    source === undefined || map === undefined
      ? markup`<p class="soft">The map was not kept: compare with <code>details: true</code>.</p>`
      : pictureTag(source, picture, altText(method.name, map, name));
  const other =
    image !== undefined && image.explained !== image.target && image.target >= 0
      ? markup`<p class="sub">explains ${className(image.explained, labels)}</p>`
      : undefined;
  const plots = image === undefined ? [] : mapPlots(image, place, domain, whose);
  return markup`<figure><figcaption>${methodName(method.name, place)}</figcaption><div>${drawn}${other}${plots}</div></figure>`;
}

function altText(method: string, map: MapLike, name: string): string {
  const {x, y} = peakOf(map);
  const percent = (part: number): string => `${Math.round(part * 100)}%`;
  return `Map of ${method} over ${name}: highest ${percent(x)} from the left and ${percent(y)} from the top`;
}

function pictureTag(source: string, {width, height}: RgbaImage, alt: string): Markup {
  return markup`<img src="${source}" width="${width}" height="${height}" alt="${alt}">`;
}

/** The class that is explained, and its score. */
function aboutText(image: ComparedImage | undefined, labels: readonly string[] | undefined): string {
  if (image === undefined) return '';
  const {target, score} = image;
  return target < 0 ? `a function of the logits, value ${numberText(score)}` : `${className(target, labels)}, score ${numberText(score)}`;
}

function className(target: number, labels: readonly string[] | undefined): string {
  const label = labels?.[target];
  return label === undefined ? `class ${target}` : `${label} (class ${target})`;
}
