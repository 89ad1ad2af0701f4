/** What a page has for images: each kind gives the pixels that it shows, wherever images are taken. */
import axe from 'axe-core';
import {afterAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  compare,
  draw,
  explainReport,
  gradCamExplainer,
  randomExplainer,
  insertionScore,
  overlay,
  readImage,
  teacherFromLayersModel,
  toNetworkInput,
  type DecodedImage,
  type ImageInput,
} from '../../src/index.js';
import {rise} from '../../src/baselines/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchTeacher, WIDTH} from '../helpers/patch-world.js';

const preprocessing = {scale: 1 / 127.5, mean: 1, std: 1};
const model = patchTeacher();
const teacher = teacherFromLayersModel(model, {preprocessing});
afterAll(() => model.dispose());

/** A picture with a red patch at the top left, the rest grey. */
function canvas(): HTMLCanvasElement {
  const made = Object.assign(document.createElement('canvas'), {width: WIDTH, height: HEIGHT});
  const context = made.getContext('2d')!;
  context.fillStyle = 'rgb(120, 120, 120)';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = 'rgb(255, 0, 0)';
  context.fillRect(2, 3, 4, 4);
  return made;
}

const dataOf = (source: HTMLCanvasElement): ImageData => source.getContext('2d')!.getImageData(0, 0, source.width, source.height);
const blobOf = (source: HTMLCanvasElement, type = 'image/png'): Promise<Blob> =>
  new Promise((resolve) => source.toBlob((blob) => resolve(blob!), type, 1));

async function imageOf(blob: Blob): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  return image;
}

async function videoOf(source: HTMLCanvasElement): Promise<HTMLVideoElement> {
  const video = Object.assign(document.createElement('video'), {muted: true, srcObject: source.captureStream(30)});
  await video.play();
  const repaint = setInterval(() => source.getContext('2d')!.fillRect(2, 3, 4, 4), 20);
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  clearInterval(repaint);
  return video;
}

async function allKinds(): Promise<Record<string, ImageInput>> {
  const source = canvas();
  const offscreen = new OffscreenCanvas(WIDTH, HEIGHT);
  offscreen.getContext('2d')!.drawImage(source, 0, 0);
  const blob = await blobOf(source);
  return {
    canvas: source,
    OffscreenCanvas: offscreen,
    ImageData: dataOf(source),
    ImageBitmap: await createImageBitmap(source),
    img: await imageOf(blob),
    VideoFrame: new VideoFrame(source, {timestamp: 0}),
    Blob: blob,
    File: new File([blob], 'a.png', {type: 'image/png'}),
  };
}

describe('an image of a page', () => {
  it('gives the same map, score and input whatever its kind', async () => {
    const kinds = await allKinds();
    const reference = dataOf(canvas());
    const [expected] = await rise(reference, teacher, {numMasks: 40, seed: 3});
    const {auc} = await insertionScore(reference, expected!, teacher);
    for (const [kind, image] of Object.entries(kinds)) {
      const [map] = await rise(image, teacher, {numMasks: 40, seed: 3});
      expect(map, kind).toEqual(expected);
      expect((await insertionScore(image, expected!, teacher)).auc, kind).toBe(auc);
    }
    (kinds['VideoFrame'] as VideoFrame).close();
  });

  it('is explained and distilled from, several of several kinds at once', async () =>
    expectNoLeak(async () => {
      const kinds = await allKinds();
      const distiller = await AttentiveDistiller.create({teacher, decoder: {filters: [8, 6, 4]}, seed: 3});
      await distiller.train([{images: [kinds['Blob'] as Blob, kinds['img'] as HTMLImageElement]}], {epochs: 1});
      const maps = await distiller.explain(Object.values(kinds));
      expect(maps).toHaveLength(8);
      for (const map of maps) expect(map.data).toEqual(maps[2]!.data);
      distiller.dispose();
      (kinds['VideoFrame'] as VideoFrame).close();
    }));

  it('may be a video, whose frame is read', async () => {
    const video = await videoOf(canvas());
    const {width, height, data} = await readImage(video);
    expect([width, height]).toEqual([WIDTH, HEIGHT]);
    const inside = (4 * WIDTH + 3) * 4;
    expect(data[inside]).toBeGreaterThan(180);
    expect(data[inside + 1]).toBeLessThan(90);
    const input = toNetworkInput(video, teacher);
    expect(input.shape).toEqual([1, HEIGHT, WIDTH, 3]);
    input.dispose();
  });

  it('shows white behind transparent parts, half of it behind half of them, as decodeImage does', async () => {
    const source = Object.assign(document.createElement('canvas'), {width: 2, height: 1});
    source.getContext('2d')!.putImageData(new ImageData(Uint8ClampedArray.of(200, 0, 0, 0, 200, 0, 100, 128), 2, 1), 0, 0);
    const blob = await blobOf(source);
    for (const image of [source, blob, await imageOf(blob), await createImageBitmap(source)]) {
      const [r, g, b, a, r2, g2, b2] = (await readImage(image)).data;
      expect([r, g, b, a]).toEqual([255, 255, 255, 255]);
      for (const [value, wanted] of [
        [r2, 227],
        [g2, 127],
        [b2, 177],
      ])
        expect(Math.abs(value! - wanted!)).toBeLessThanOrEqual(2);
    }
    expect([...(await readImage(blob, {background: [0, 0, 255]})).data].slice(0, 3)).toEqual([0, 0, 255]);
  });

  it('is upright by its EXIF orientation, as file and as element', async () => {
    const source = Object.assign(document.createElement('canvas'), {width: 32, height: 16});
    const context = source.getContext('2d')!;
    context.fillStyle = '#f00';
    context.fillRect(0, 0, 16, 16);
    context.fillStyle = '#00f';
    context.fillRect(16, 0, 16, 16);
    const plain = new Uint8Array(await (await blobOf(source, 'image/jpeg')).arrayBuffer());
    // APP1 with one entry, 0x0112 = 6: a quarter turn clockwise.
    const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    const exif = [0xff, 0xe1, 0, 2 + 6 + tiff.length, 0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
    const turned = new Blob([plain.slice(0, 2), Uint8Array.from(exif), plain.slice(2)], {type: 'image/jpeg'});
    for (const image of [turned, await imageOf(turned)]) {
      const {data, width, height} = await readImage(image);
      expect([width, height]).toEqual([16, 32]);
      expect(data[4 * (4 * 16 + 8)]).toBeGreaterThan(200);
      expect(data[4 * (28 * 16 + 8) + 2]).toBeGreaterThan(200);
    }
  });

  it('is refused where it has no pixels to read, with what to do', async () => {
    const asked = (image: ImageInput): Promise<unknown> => rise(image, teacher, {numMasks: 2});
    const loading = new Image();
    loading.src = '/raw/never-there.png';
    await expect(asked(loading)).rejects.toThrow(/rise: images must have been loaded, but is still loading: await image\.decode\(\)/);
    await loading.decode().catch(() => undefined);
    await expect(asked(loading)).rejects.toThrow(/must hold a picture with a size, but is broken/);
    await expect(asked(document.createElement('video'))).rejects.toThrow(/has none yet: wait for its event 'loadeddata'/);
    await expect(asked(new OffscreenCanvas(0, 4))).rejects.toThrow(/must be a canvas with pixels.*0×4/);
    const bitmap = await createImageBitmap(canvas());
    bitmap.close();
    await expect(asked(bitmap)).rejects.toThrow(/must be an open bitmap/);
    const frame = new VideoFrame(canvas(), {timestamp: 0});
    frame.close();
    await expect(asked(frame)).rejects.toThrow(/must be an open frame/);
    await expect(asked(new Blob(['no picture']))).rejects.toThrow(/must be a picture that this browser decodes, but is a file of 10 bytes/);
    expect(() => toNetworkInput(new Blob([]), teacher)).toThrow(/await readImage\(file\) first/);
    await expect(readImage({} as never)).rejects.toThrow(/readImage: source must be a Blob or File/);
  });

  it('is refused where its origin does not share it', async () => {
    // A drawing with foreign content taints a canvas as a picture of another origin does.
    const content = '<foreignObject width="8" height="8"><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>';
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${content}</svg>`;
    const image = await imageOf(new Blob([drawing], {type: 'image/svg+xml'}));
    await expect(readImage(image)).rejects.toThrow(/shared with it \(CORS\).*crossOrigin = 'anonymous' before src/);
    const target = new OffscreenCanvas(1, 1);
    draw(target, image, {data: [0, 1], width: 2, height: 1});
    expect(target.width).toBe(8);
  });
});

describe('draw', () => {
  const map = {data: Float32Array.from({length: WIDTH * HEIGHT}, (_, at) => at / (WIDTH * HEIGHT)), width: WIDTH, height: HEIGHT};

  it('draws what overlay gives, whatever the kind of image', async () => {
    const kinds = await allKinds();
    const expected = overlay(dataOf(canvas()), map, {opacity: 0.6}).data;
    for (const [kind, image] of Object.entries(kinds)) {
      if (image instanceof Blob) continue;
      const target = document.createElement('canvas');
      draw(target, image as DecodedImage, map, {opacity: 0.6});
      expect([target.width, target.height]).toEqual([WIDTH, HEIGHT]);
      const worst = dataOf(target).data.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0);
      expect(worst, kind).toBeLessThanOrEqual(2);
    }
    (kinds['VideoFrame'] as VideoFrame).close();
  });

  it('puts the map where the network looked, and refuses what is no canvas', () => {
    const wide = Object.assign(document.createElement('canvas'), {width: 60, height: HEIGHT});
    wide.getContext('2d')!.fillRect(0, 0, 60, HEIGHT);
    const target = new OffscreenCanvas(1, 1);
    draw(target, wide, map, {opacity: 1, fit: 'crop'});
    const {data} = target.getContext('2d')!.getImageData(0, 0, 60, HEIGHT);
    const pixel = (x: number): number[] => [...data.slice((8 * 60 + x) * 4, (8 * 60 + x) * 4 + 3)];
    expect(pixel(5)).toEqual([0, 0, 0]);
    expect(pixel(30)).not.toEqual([0, 0, 0]);
    expect(() => draw({} as never, wide, map)).toThrow(/draw: canvas must be a canvas/);
  });
});

describe('a report in a page', () => {
  it('is made with the canvas', async () => {
    const picture = await readImage(canvas());
    const html = await explainReport({
      images: [picture, canvas()],
      maps: {a: [1, 2].map(() => ({data: new Float32Array(WIDTH * HEIGHT).fill(0.5), width: WIDTH, height: HEIGHT}))},
    });
    const pictures = [...html.matchAll(/<img src="(data:image\/(?:webp|png);base64,[^"]+)"/g)].map(([, address]) => address!);
    expect(pictures).toHaveLength(5);
    const shown = await imageOf(await (await fetch(pictures[1]!)).blob());
    expect([shown.naturalWidth, shown.naturalHeight]).toEqual([WIDTH, HEIGHT]);
  });

  it('has nothing that axe finds, wide and on a phone, and is no wider than either', async () => {
    const row = {map: {data: new Float32Array(WIDTH * HEIGHT).fill(0.5), width: WIDTH, height: HEIGHT}};
    const rows = await compare({
      explainers: {ours: randomExplainer(teacher), 'another & <longer> name': gradCamExplainer(model)},
      metrics: ['insertion', 'deletion', 'srg', 'gini', 'seconds'],
      images: [await readImage(canvas()), canvas()],
      model: teacher,
      details: true,
    });
    const html = await explainReport({images: [canvas(), canvas()], rows, maps: {plain: [row.map, row.map]}, facts: {model: 'a'}});
    for (const width of [1280, 360]) {
      const frame = Object.assign(document.createElement('iframe'), {width: String(width), height: '900'});
      // Its policy allows no script, so none that checks it either.
      frame.srcdoc = html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      const page = frame.contentWindow as unknown as {eval(code: string): unknown; axe: typeof axe};
      page.eval(axe.source);
      const {violations, passes} = await page.axe.run();
      expect(violations.map(({id, nodes}) => `${id}: ${nodes[0]!.html}`)).toEqual([]);
      expect(passes.length).toBeGreaterThan(20);
      expect(frame.contentDocument!.documentElement.scrollWidth).toBeLessThanOrEqual(width);
      frame.remove();
    }
  });
});
