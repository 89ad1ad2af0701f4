/** Pictures as small files inside a page: WebP by the browser's canvas or, in Node, by sharp. */
import {AttentiveError} from '../core/errors/attentive-error.js';
import {importOptional, importReason} from '../core/import-optional.js';
import type {DecodedImage} from '../core/types.js';
import {newCanvas} from '../data/page-image.js';
import {isNode} from '../core/is-node.js';
import {rgbaOf, type RgbaImage} from '../render/pixels.js';

/** What is done to pictures outside of JavaScript. */
export interface PictureTools {
  /** Scales to a width and height. */
  resize(image: RgbaImage, width: number, height: number): Promise<RgbaImage>;
  /** Returns the address of a picture that holds its file: `data:image/webp;base64,…`. */
  encode(image: RgbaImage): Promise<string>;
}

// Where neighbouring maps are still alike: about 8 kB for 224×224.
const QUALITY = 80;

/** Returns what this place has. @throws {AttentiveError} If Node lacks the package sharp, or this is neither Node nor a browser. */
export async function pictureTools(where: string): Promise<PictureTools> {
  if (isNode()) return sharpTools(where);
  if (typeof OffscreenCanvas === 'function' || typeof document !== 'undefined') return canvasTools(where);
  throw new AttentiveError(`${where}: pictures are encoded by a canvas or in Node by the package sharp, and there is neither here.`);
}

interface Pipeline {
  resize(options: object): Pipeline;
  webp(options: object): Pipeline;
  raw(): Pipeline;
  toBuffer(): Promise<Uint8Array>;
}

type Sharp = (data: Uint8ClampedArray, options: object) => Pipeline;

async function sharpTools(where: string): Promise<PictureTools> {
  let sharp: Sharp;
  try {
    sharp = (await importOptional('sharp'))['default'] as Sharp;
  } catch (cause) {
    throw new AttentiveError(`${where}: pictures in Node need sharp. ${importReason('sharp', cause)}`, {cause});
  }
  const open = ({data, width, height}: RgbaImage): Pipeline => sharp(data, {raw: {width, height, channels: 4}});
  return {
    resize: async (image, width, height) => {
      const bytes = await open(image).resize({width, height, fit: 'fill'}).raw().toBuffer();
      return {data: new Uint8ClampedArray(bytes), width, height, channels: 4};
    },
    encode: async (image) => `data:image/webp;base64,${base64(await open(image).webp({quality: QUALITY}).toBuffer())}`,
  };
}

function canvasTools(where: string): PictureTools {
  const canvasOf = (image: RgbaImage): OffscreenCanvas | HTMLCanvasElement => {
    const canvas = newCanvas(where, image.width, image.height);
    contextOf(where, canvas).putImageData(new ImageData(image.data, image.width, image.height), 0, 0);
    return canvas;
  };
  return {
    resize: (image, width, height) => {
      const context = contextOf(where, newCanvas(where, width, height));
      context.imageSmoothingQuality = 'high';
      context.drawImage(canvasOf(image), 0, 0, width, height);
      const {data} = context.getImageData(0, 0, width, height);
      return Promise.resolve({data, width, height, channels: 4});
    },
    encode: async (image) => {
      const canvas = canvasOf(image);
      // A browser that cannot write WebP gives PNG.
      const how = {type: 'image/webp', quality: QUALITY / 100};
      const blob =
        'convertToBlob' in canvas
          ? await canvas.convertToBlob(how)
          : await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, how.type, how.quality));
      if (blob === null) throw new AttentiveError(`${where}: this browser could not write a picture of ${image.width}×${image.height}.`);
      return `data:${blob.type};base64,${base64(new Uint8Array(await blob.arrayBuffer()))}`;
    },
  };
}

function contextOf(where: string, canvas: OffscreenCanvas | HTMLCanvasElement): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D | null;
  if (context === null) throw new AttentiveError(`${where}: this browser has no canvas of ${canvas.width}×${canvas.height}.`);
  return context;
}

/** Scales a picture down so that its longer side is at most `side`. */
export async function fitPicture(name: string, image: DecodedImage, side: number, tools: PictureTools): Promise<RgbaImage> {
  const whole = rgbaOf(name, image);
  const scale = side / Math.max(whole.width, whole.height);
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  return scale >= 1 ? whole : tools.resize(whole, scaled(whole.width), scaled(whole.height));
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 0x8000) text += String.fromCharCode(...bytes.subarray(index, index + 0x8000));
  return btoa(text);
}
