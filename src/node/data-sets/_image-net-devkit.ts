/** The devkit of ILSVRC 2012: what the classes are called, and the answers of the validation set. */
import {nodeBuiltin} from '../../core/node-builtin.js';
import {readMat} from '../mat/read-mat.js';
import {numberOf, structsOf, textOf} from '../mat/values.js';
import {archiveError, exists, findRoot, readLines, type Archive} from './_archive.js';

const NAME = 'ILSVRC2012_devkit_t12';

/** What the devkit says. Its own numbers of classes, from 1, are not the places of the sorted WNIDs. */
export interface Devkit {
  /** WNIDs of the classes, sorted. */
  readonly wnids: readonly string[];
  /** The words of each WNID: "tench, Tinca tinca". */
  readonly words: ReadonlyMap<string, string>;
  /** How many training pictures each WNID has. */
  readonly trainCounts: ReadonlyMap<string, number>;
  /** The WNID of validation picture `number`, from 1. @throws {ModelFileError} If there is no answer for it. */
  answerOf(number: number): string;
}

/**
 * Reads the devkit.
 *
 * @param path Where the caller says that it is; otherwise it is looked for below `root`.
 * @returns Nothing where the caller says nothing and it is not there.
 * @throws {ModelFileError} If it is not where the caller says, or not as it should be.
 */
export async function readDevkit(archive: Archive, root: string, path: string | URL | undefined): Promise<Devkit | undefined> {
  const {join} = nodeBuiltin('node:path');
  if (path === undefined && !(await exists(join(root, NAME)))) return undefined;
  const data = await findRoot(archive, path ?? join(root, NAME), ['data', `${NAME}/data`], 'meta.mat');
  const file = join(data, 'meta.mat');
  const synsets = structsOf(`${file}: synsets`, (await readMat(file, ['synsets'])).get('synsets'), (field) => ({
    id: field('ILSVRC2012_ID', numberOf),
    wnid: field('WNID', textOf),
    words: field('words', textOf),
    children: field('num_children', numberOf),
    count: field('num_train_images', numberOf),
  }));
  // The rest of WordNet's tree stands there, too.
  const classes = synsets.filter(({children}) => children === 0);
  const byId = new Map(classes.map(({id, wnid}) => [id, wnid]));
  const answersFile = join(data, 'ILSVRC2012_validation_ground_truth.txt');
  const answers = (await exists(answersFile)) ? await readLines(archive, answersFile) : [];
  return {
    wnids: classes.map(({wnid}) => wnid).sort(),
    words: new Map(classes.map(({wnid, words}) => [wnid, words])),
    trainCounts: new Map(classes.map(({wnid, count}) => [wnid, count])),
    answerOf: (number) => {
      const line = answers[number - 1];
      if (line === undefined) throw archiveError(archive, `${answersFile} has ${answers.length} lines, none for picture ${number}`);
      const wnid = byId.get(Number(line));
      if (wnid === undefined) throw archiveError(archive, `line ${number} of ${answersFile} is '${line}', which is no class of meta.mat`);
      return wnid;
    },
  };
}
