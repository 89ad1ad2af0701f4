/**
 * Images as a page has them: what a canvas can draw is an image everywhere. Pixels are read through a canvas, so a picture
 * comes as the page shows it: upright by its EXIF orientation, in sRGB, at its own size, transparent parts over white, as
 * `decodeImage` gives them in Node.
 */
import {checkSize, show} from '../core/check.js';
import type {DecodedImage, PageImage} from '../core/types.js';

/** What is wrong with an image of one kind, its size if nothing is. */
type Look<T> = (image: T) => string | readonly [width: number, height: number];

interface VideoLike {
  readonly readyState: number;
  readonly videoWidth: number;
  readonly videoHeight: number;
}

interface SizeLike {
  readonly width: number;
  readonly height: number;
}

// HTMLMediaElement.HAVE_CURRENT_DATA: a frame is there.
const HAS_FRAME = 2;

const empty = (what: string, {width, height}: SizeLike): string | [number, number] =>
  width > 0 && height > 0 ? [width, height] : `${what}, but is ${width}×${height} (width×height)`;

/** The kinds by the name of their class: that of an image from another frame is the same, its class is another. */
const kinds: Readonly<Record<string, Look<never>>> = {
  HTMLImageElement: ({complete, naturalWidth, naturalHeight}: HTMLImageElement) => {
    if (!complete) return 'must have been loaded, but is still loading: await image.decode() before';
    if (naturalWidth > 0 && naturalHeight > 0) return [naturalWidth, naturalHeight];
    return 'must hold a picture with a size, but is broken, has no src, or is a drawing (SVG) without width and height';
  },
  HTMLCanvasElement: (canvas: SizeLike) => empty('must be a canvas with pixels', canvas),
  OffscreenCanvas: (canvas: SizeLike) => empty('must be a canvas with pixels that was not handed over', canvas),
  ImageBitmap: (bitmap: SizeLike) => empty('must be an open bitmap', bitmap),
  HTMLVideoElement: ({readyState, videoWidth, videoHeight}: VideoLike) => {
    if (readyState < HAS_FRAME) return "must show a frame, but has none yet: wait for its event 'loadeddata'";
    return empty('must be a video with a picture', {width: videoWidth, height: videoHeight});
  },
  VideoFrame: ({format, displayWidth, displayHeight}: VideoFrame) =>
    format === null && displayWidth === 0
      ? 'must be an open frame, but is closed'
      : empty('must be an open frame', {width: displayWidth, height: displayHeight}),
};

/** Whether a value is an image of a page. */
export function isPageImage(value: unknown): value is PageImage {
  return lookFor(value) !== undefined;
}

/** Whether a value is a file in memory, which has to be decoded first. */
export function isBlob(value: unknown): value is Blob {
  return ['[object Blob]', '[object File]'].includes(Object.prototype.toString.call(value));
}

/**
 * Returns the size of an image of a page.
 *
 * @param where Names the argument in messages.
 * @throws {RangeError} If it has no pixels to read: not loaded yet, broken, empty or closed.
 */
export function pageImageSize(where: string, image: PageImage): {readonly width: number; readonly height: number} {
  const found = lookFor(image)?.(image as never) ?? `must be an image of a page, but is ${show(image)}`;
  if (typeof found === 'string') throw new RangeError(`${where} ${found}.`);
  const [width, height] = found;
  checkSize(where, height, width);
  return {width, height};
}

/**
 * Reads the pixels of an image of a page: those of this moment, for a video or canvas.
 *
 * @param background The colour behind transparent pixels, red, green, blue in 0–255.
 * @throws {RangeError} As {@link pageImageSize}.
 * @throws {TypeError} If the page may not read its pixels, since it comes from another origin.
 */
export function pagePixels(
  where: string,
  image: PageImage,
  background: readonly [number, number, number] = [255, 255, 255],
): DecodedImage & {readonly channels: 4} {
  const {width, height} = pageImageSize(where, image);
  const context = newCanvas(where, width, height).getContext('2d', {willReadFrequently: true}) as OffscreenCanvasRenderingContext2D | null;
  if (context === null) throw new RangeError(`${where} must fit a canvas of this browser, but is ${width}×${height} (width×height).`);
  context.fillStyle = `rgb(${background.join(', ')})`;
  context.fillRect(0, 0, width, height);
  try {
    context.drawImage(image, 0, 0, width, height);
    const {data} = context.getImageData(0, 0, width, height);
    return {data, width, height, channels: 4};
  } catch (cause) {
    if ((cause as Error).name !== 'SecurityError') throw new RangeError(`${where} cannot be drawn: ${(cause as Error).message}`, {cause});
    throw new TypeError(
      `${where} must be of the page's own origin or shared with it (CORS), but its pixels may not be read. Set crossOrigin = 'anonymous' before src, where its server allows that, or serve it yourself.`,
      {cause},
    );
  }
}

/**
 * A canvas that is not part of the page.
 *
 * @throws {TypeError} Where there is none, as in Node.
 */
export function newCanvas(where: string, width: number, height: number): OffscreenCanvas | HTMLCanvasElement {
  if (typeof OffscreenCanvas === 'function') return new OffscreenCanvas(width, height);
  if (typeof document === 'undefined') throw new TypeError(`${where}: this needs a canvas, and there is none outside of a browser.`);
  return Object.assign(document.createElement('canvas'), {width, height});
}

function lookFor(value: unknown): Look<never> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}
