/**
 * An overlay drawn into a canvas of a page. The map is coloured at its own size and enlarged by the canvas, which costs little at
 * any size, so that it keeps up with a video; `overlay` enlarges the values first and gives pixels.
 */
import {show} from '../core/check.js';
import {oneOf, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage, PageImage} from '../core/types.js';
import {fitRegion} from '../data/fit-region.js';
import {isBlob, isPageImage, newCanvas, pageImageSize} from '../data/page-image.js';
import {colored} from './colorize.js';
import {overlaySchema, type OverlayOptions} from './overlay.js';
import {checkMap, rgbaOf, type MapLike, type RgbaImage} from './pixels.js';

/** Options of {@link draw}. */
export interface DrawOptions extends OverlayOptions {
  /** How the network saw the image: all of it stretched (`'squash'`), or its centre (`'crop'`), where the map then goes. @default 'squash' */
  readonly fit?: 'squash' | 'crop' | undefined;
}

/** The options of {@link draw}. */
export const drawSchema: OptionsSchema<Settled<DrawOptions, 'range'>> = /* @__PURE__ */ (() => ({
  where: 'draw',
  fields: {...overlaySchema.fields, fit: withDefault(oneOf('squash', 'crop'), 'squash')},
}))();

/**
 * Draws an image and its map over it into a canvas, which takes the size of the image; its style decides how large it is shown.
 * Reads no pixels, so images of any origin can be drawn.
 *
 * @param canvas An `HTMLCanvasElement` or `OffscreenCanvas`.
 * @param image A decoded picture, or an image, canvas, bitmap or video of the page.
 * @throws {TypeError} If an argument is of the wrong kind, or the canvas has a context other than `'2d'`.
 * @throws {RangeError} If a size does not fit its data, the image is not loaded or empty, or as `colorize` does.
 * @example
 * const [map] = await distiller.explain(video);
 * draw(canvas, video, map, {opacity: 0.6, range: [0, 1]});
 */
export function draw(
  canvas: HTMLCanvasElement | OffscreenCanvas,
  image: DecodedImage | PageImage,
  map: MapLike,
  options?: DrawOptions,
): void {
  const {opacity, fit, ...colors} = readOptions(drawSchema, options);
  checkCanvas(canvas);
  if (isBlob(image)) throw new TypeError(`draw: image must be decoded, but is a file (${show(image)}): await readImage(file) first.`);
  const source = isPageImage(image) ? image : canvasOf(rgbaOf('draw: image', image));
  const {width, height} = pageImageSize('draw: image', source);
  checkMap('draw: map', map);
  const over = canvasOf(colored('draw', map, colors));
  const region = fitRegion([height, width], [map.height, map.width], fit);
  // Setting a size clears the canvas and costs a new one, so only where it changes.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D | null;
  if (context === null) throw new TypeError("draw: canvas must have no context or '2d', but has another one.");
  context.save();
  context.resetTransform();
  context.globalCompositeOperation = 'source-over';
  context.globalAlpha = 1;
  if (source !== canvas) {
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(source, 0, 0, width, height);
  }
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  context.drawImage(over, region.left, region.top, region.width, region.height);
  context.restore();
}

function checkCanvas(canvas: unknown): void {
  const {getContext} = (canvas ?? {}) as {getContext?: unknown};
  if (typeof getContext !== 'function') throw new TypeError(`draw: canvas must be a canvas of a page, but is ${show(canvas)}.`);
}

function canvasOf({data, width, height}: RgbaImage): OffscreenCanvas | HTMLCanvasElement {
  const canvas = newCanvas('draw', width, height);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D | null;
  if (context === null) throw new RangeError(`draw: this browser has no canvas of ${width}×${height} (width×height).`);
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}
