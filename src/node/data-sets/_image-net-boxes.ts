/** The boxes of ImageNet, which come as XML files in the form of PASCAL VOC. */
import {nodeBuiltin} from '../../core/node-builtin.js';
import {toFilePath} from '../../files/file-path.js';
import {readText} from '../../files/model-json.js';
import type {PictureList} from '../picture-batches.js';
import type {PixelBox} from '../shown-boxes.js';
import {archiveError, firstOf, type Archive} from './_archive.js';

/**
 * Makes a function that reads the boxes of a picture when they are wanted. Corners are taken as parts of the size that
 * stands in the file, since that of the picture may be another, as TensorFlow's script for ImageNet has it.
 */
export function boxReader(archive: Archive, annotations: string | URL, files: readonly string[]): NonNullable<PictureList['boxesOf']> {
  const path = nodeBuiltin('node:path');
  const folder = toFilePath(annotations, `${archive.where}: annotations`);
  return async (index, height, width) => {
    const name = path.posix.basename(files[index] as string).replace(/\.\w+$/, '');
    const [wnid = ''] = name.split('_');
    const file = await firstOf(['', 'val', wnid, `train/${wnid}`].map((inside) => path.join(folder, inside, `${name}.xml`)));
    if (file === undefined) return [];
    return boxesOf(archive, file, await readText(file)).map(([x0, y0, x1, y1]) => [x0 * width, y0 * height, x1 * width, y1 * height]);
  };
}

/** Reads the boxes as fractions. The files are made by a program and have one form, so a search for the tags is enough. */
function boxesOf(archive: Archive, file: string, xml: string): PixelBox[] {
  const read = (text: string, tag: string): number => {
    const value = Number(new RegExp(`<${tag}>\\s*([\\d.]+)\\s*</${tag}>`).exec(text)?.[1] ?? NaN);
    if (Number.isNaN(value)) throw archiveError(archive, `${file} has no number as <${tag}>`);
    return value;
  };
  const [width, height] = [read(xml, 'width'), read(xml, 'height')];
  return [...xml.matchAll(/<bndbox>(.*?)<\/bndbox>/gs)].map(([, box = '']) => [
    read(box, 'xmin') / width,
    read(box, 'ymin') / height,
    read(box, 'xmax') / width,
    read(box, 'ymax') / height,
  ]);
}
