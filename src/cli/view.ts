/** `view`: one sheet with photos and their maps by several methods side by side. */
import type {SaliencyMap} from '../core/types.js';
import {pictureSheet, type PictureRow} from '../node/picture-sheet.js';
import {writePng} from '../node/write-png.js';
import {readTarget} from './class-names.js';
import {drawMaps, topClasses, type DrawOptions} from './draw-maps.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import {findPictures} from './find-pictures.js';
import type {ColorFlags, MethodFlags, ModelFlags, PictureFlags, RunFlags} from './flags.js';
import {chooseMethods, methodsFor, readMethodNames} from './methods.js';
import {openModel} from './open-model.js';
import {drawOverlay} from './place-map.js';
import {readPictures} from './read-pictures.js';
import {LeftOut, type Context} from './terminal.js';

/** Flags of `view`. */
export interface ViewFlags extends ModelFlags, RunFlags, PictureFlags, MethodFlags, ColorFlags {
  readonly out: string;
  readonly target: string;
  readonly cellSize: number;
}

/** The word for every method that the model can be explained by. */
export const ALL = 'all';

// Longer names would run into the next cell.
const LETTER_WIDTH = 8;

/** Runs the command. */
export async function view(sources: readonly string[], flags: ViewFlags, {terminal, signal}: Context): Promise<ExitCode> {
  const {out, limit, strict = false, maxSide, seed, cellSize, colormap, opacity} = flags;
  const pictures = (await findPictures(sources)).pictures.slice(0, limit);
  const method = flags.method === ALL ? undefined : flags.method;
  readMethodNames(method); // Before a model is loaded for nothing.
  const model = await openModel(flags, {terminal, signal, forPictures: true});
  const leftOut = new LeftOut();
  try {
    const {teacher, names} = model;
    const wanted = readTarget(flags.target, Math.max(2, teacher.numClasses), names);
    const {quick, slow} = methodsFor(model);
    const isQuick = flags.method !== ALL && quick.length > 0;
    const methods = chooseMethods({...flags, method}, model, isQuick ? quick : [...quick, ...slow]);
    if (flags.method === undefined && isQuick)
      terminal.note(`The quick methods. (--method ${ALL} adds ${slow.join(', ')}, which ask the model hundreds of times for each photo.)`);
    const batchSize = Math.min(flags.batchSize, model.maxBatch ?? Infinity);
    const total = pictures.length * methods.length;
    let done = 0;
    const rows: PictureRow[] = [];
    const fitted = (text: string): string => {
      const letters = Math.floor(cellSize / LETTER_WIDTH);
      return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
    };
    const caption = ({target, score}: SaliencyMap): string => {
      const name = names?.[target]?.split(',')[0] ?? `class ${target}`;
      return `${fitted(name).slice(0, Math.floor(cellSize / LETTER_WIDTH) - 5)} ${score.toFixed(2)}`;
    };
    // One picture at a time, so that the progress moves.
    for await (const [read] of readPictures(pictures, {batchSize: 1, maxSide, strict, leftOut, signal})) {
      if (read === undefined) continue;
      const {image, picture} = read;
      const drawing: DrawOptions = {wanted, teacher, seed, batchSize, signal, onProgress: () => undefined};
      const top = await topClasses([image], drawing);
      const drawn: SaliencyMap[][] = [];
      for (const method of methods) {
        const onProgress: DrawOptions['onProgress'] = (part) =>
          terminal.progress({stage: 'view', done, total}, `${method.name} ${part.done}/${part.total}`);
        drawn.push((await drawMaps(method, [image], top, {...drawing, onProgress})).flat());
        terminal.progress({stage: 'view', done: ++done, total}, picture.file);
      }
      for (const rank of (drawn[0] ?? []).keys()) {
        const maps = drawn.map((each) => each[rank] as SaliencyMap);
        const overlays = maps.map((map) => ({image: drawOverlay(image, map, teacher, {colormap, opacity}), caption: caption(map)}));
        rows.push({cells: [{image, caption: fitted(picture.name)}, ...overlays]});
      }
    }
    if (rows.length === 0) throw new CommandError('None of the pictures can be read.', exitCodes.noPictures);
    const columns = ['photo', ...methods.map(({name}) => name)].map(fitted);
    await writePng(out, await pictureSheet(rows, {columns, cellSize, kernel: 'lanczos3'}));
    terminal.record({sheet: out, rows: rows.length, methods: methods.map(({name}) => name)});
    terminal.text(`${rows.length} rows, ${methods.map(({name}) => name).join(', ')}: ${out}`);
    return leftOut.count > 0 ? exitCodes.leftOut : exitCodes.done;
  } finally {
    leftOut.tell(terminal);
    await model.dispose();
  }
}
