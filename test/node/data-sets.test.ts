/**
 * The readers of the paper's data sets against a reading of the same small sets in Python. scripts/data-sets has the
 * programs: make_fixtures.py made the sets, each in its published layout, and read_fixtures.py what is expected.
 */
import {readFileSync} from 'node:fs';
import {cp, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import {pointingGame} from '../../src/metrics/index.js';
import {
  cub200,
  decodeImage,
  fgvcAircraft,
  imageNet,
  stanfordCars,
  type AnnotatedBatch,
  type CarTable,
  type DataSet,
  type DataSetOptions,
} from '../../src/node/index.js';
import {expectClose} from '../helpers/expect.js';

interface Expected {
  readonly files: readonly string[];
  readonly labels: readonly number[];
  /** Null where none are read. */
  readonly boxes: readonly (readonly number[][])[] | null;
  /** `[width, height]` of each picture, without a banner. */
  readonly sizes: readonly [number, number][];
  readonly classNames: readonly string[];
}

const fixtures = join(import.meta.dirname, '../fixtures/data-sets');
const expected = JSON.parse(readFileSync(`${fixtures}.json`, 'utf8')) as Record<string, Expected>;
const at = (...parts: string[]): string => join(fixtures, ...parts);

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'data-sets-'));
});
afterAll(() => rm(scratch, {recursive: true}));

/** A copy of a fixture, to be damaged. */
async function copyOf(name: string): Promise<string> {
  const folder = join(await mkdtemp(join(scratch, 'copy-')), name);
  await cp(at(name), folder, {recursive: true});
  return folder;
}

async function all(set: DataSet, epoch: number = 0): Promise<AnnotatedBatch[]> {
  const batches = [];
  for await (const batch of set(epoch)) batches.push(batch);
  return batches;
}

const part = {complete: false, shuffle: false, batchSize: 2} as const;

const tables: Readonly<Record<'train' | 'test', CarTable>> = {
  train: {
    annotations: 'cardatasettrain.csv',
    images: 'train',
    classNames: 'names.csv',
    columns: {file: 'image', class: 'Class', left: 'x1', top: 'y1', right: 'x2', bottom: 'y2'},
  },
  test: {
    annotations: 'anno_test.csv',
    images: 'test',
    classNames: 'names.csv',
    columns: {file: 0, left: 1, top: 2, right: 3, bottom: 4, class: 5},
  },
};
const devkit = at('imagenet/ILSVRC2012_devkit_t12');

const splits: Readonly<Record<string, (options: DataSetOptions) => Promise<DataSet>>> = {
  'imagenet train': (options) => imageNet(at('imagenet'), {...options, split: 'train'}),
  'imagenet val': (options) => imageNet(at('imagenet'), {...options, split: 'val', annotations: at('imagenet-boxes')}),
  'imagenet val left out': (options) => imageNet(at('imagenet'), {...options, split: 'val', leftOut: at('imagenet-left-out.txt')}),
  'imagenet val by wnid': (options) => imageNet(at('imagenet-by-wnid'), {...options, split: 'val', devkit}),
  ...Object.fromEntries(
    (['train', 'test'] as const).flatMap((split) => [
      [`cub ${split}`, (options: DataSetOptions) => cub200(fixtures, {...options, split})],
      [`cars ${split}`, (options: DataSetOptions) => stanfordCars(fixtures, {...options, split})],
      [`cars in one ${split}`, (options: DataSetOptions) => stanfordCars(at('cars-in-one'), {...options, split})],
      [
        `cars as tables ${split}`,
        (options: DataSetOptions) => stanfordCars(at('cars-as-tables'), {...options, split, table: tables[split]}),
      ],
    ]),
  ),
  ...Object.fromEntries(
    (['variant', 'family', 'manufacturer'] as const).flatMap((level) =>
      (['train', 'val', 'trainval', 'test'] as const).map((split) => [
        `aircraft ${level} ${split}`,
        (options: DataSetOptions) => fgvcAircraft(fixtures, {...options, split, level}),
      ]),
    ),
  ),
};

describe('a data set', () => {
  it('has every split that was read in Python', () => {
    expect(Object.keys(splits).sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.keys(splits))('reads files, labels, boxes and classes as Python does: %s', async (name) => {
    const {files, labels, boxes, sizes, classNames} = expected[name]!;
    const set = await splits[name]!(part);
    expect(set.files).toEqual(files);
    expect([...set.labels]).toEqual(labels);
    expect(set.classNames).toEqual(classNames);
    expect([set.length, set.batchesPerEpoch]).toEqual([files.length, Math.ceil(files.length / 2)]);
    const batches = await all(set);
    expect(batches.flatMap((batch) => [...batch.labels])).toEqual(labels);
    const images = batches.flatMap((batch) => batch.images);
    expect(images.map(({width, height}) => [width, height])).toEqual(sizes);
    expect(images.every(({channels}) => channels === 3)).toBe(true);
    if (boxes === null) expect(batches[0]).not.toHaveProperty('boxes');
    else {
      const found = batches.flatMap((batch) => batch.boxes);
      expect(found.map((each) => each.length)).toEqual(boxes.map((each) => each.length));
      expectClose(found.flat(2), boxes.flat(2), {abs: 1e-12}, name);
    }
  });

  it('gives boxes that follow crops and mirroring, so that they lie on the same pixels', async () => {
    // Two stripes as wide as the box, red and blue, on black: whatever is cut, red and blue lie in the box and nowhere else.
    const folder = await copyOf('CUB_200_2011');
    const {default: sharp} = await import('sharp');
    const [width, height, box] = [60, 40, {left: 18, top: 12, width: 24, height: 16}];
    const pixels = new Uint8Array(width * height * 3);
    for (let y = box.top; y < box.top + box.height; y++) {
      for (let x = box.left; x < box.left + box.width; x++) pixels[(y * width + x) * 3 + (x < box.left + 12 ? 0 : 2)] = 255;
    }
    const [file] = expected['cub test']!.files;
    await writeFile(
      join(folder, 'images', file!),
      await sharp(pixels, {raw: {width, height, channels: 3}})
        .png()
        .toBuffer(),
    );
    await writeFile(join(folder, 'bounding_boxes.txt'), '1 1 1 1 1\n2 18 12 24 16\n3 1 1 1 1\n7 1 1 1 1\n8 1 1 1 1\n');
    const set = await cub200(folder, {
      split: 'test',
      complete: false,
      shuffle: false,
      limit: 1,
      size: [64, 64],
      leastCrop: 0.4,
      flip: true,
      seed: 3,
    });
    let mirrored = 0;
    for (let epoch = 0; epoch < 12; epoch++) {
      const [batch] = (await all(set, epoch)) as [AnnotatedBatch];
      const image = batch.images[0]!;
      const found = batch.boxes[0]![0];
      const bright = Array.from({length: 64 * 64}, (_, index) => index).filter(
        (index) => image.data[index * 3]! + image.data[index * 3 + 2]! > 200,
      );
      const xs = bright.map((index) => index % 64);
      const ys = bright.map((index) => Math.floor(index / 64));
      const seen = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1].map((edge) => edge / 64);
      expectClose(found!, seen, {abs: 1.6 / 64}, `epoch ${epoch}`);
      // Red was left of blue; not where only one of them is left.
      const middle = (channel: number): number =>
        bright
          .filter((index) => image.data[index * 3 + channel]! > 200)
          .reduce((sum, index, _, {length}) => sum + (index % 64) / length, 0);
      if (middle(0) > middle(2) && middle(2) > 0) mirrored++;
    }
    expect(mirrored).toBeGreaterThan(2);
    expect(mirrored).toBeLessThan(10);
  });

  it('gives regions that the metrics take', async () => {
    const [{boxes}] = (await all(await cub200(fixtures, {...part, split: 'train'}))) as [AnnotatedBatch];
    const map = {data: new Float32Array(64).map((_, index) => (index === 27 ? 1 : 0)), height: 8, width: 8};
    expect(pointingGame(map, boxes[0]!)).toEqual({hit: 1, peaks: 1, inside: 1});
  });

  it('is drawn by the seed alone, whatever the batch size', async () => {
    const read = async (batchSize: number, seed: number): Promise<unknown> => {
      const set = await fgvcAircraft(fixtures, {
        split: 'trainval',
        complete: false,
        size: [8, 8],
        leastCrop: 0.3,
        flip: true,
        batchSize,
        seed,
      });
      const batches = await all(set, 1);
      return batches.flatMap(({images, boxes, labels}) => images.map(({data}, index) => [[...data], boxes[index], labels[index]]));
    };
    const first = await read(1, 5);
    expect(await read(3, 5)).toEqual(first);
    expect(await read(1, 6)).not.toEqual(first);
  });
});

describe('traps', () => {
  it('labels of ImageNet are places among the sorted WNIDs, not numbers of the devkit', async () => {
    const set = await imageNet(at('imagenet'), {...part, split: 'val'});
    expect(set.wnids).toEqual(['n01440764', 'n02100735', 'n02105855', 'n02119789']);
    // The devkit's numbers are 3 1 1 4 2 3.
    expect([...set.labels]).toEqual([0, 3, 3, 2, 1, 0]);
    expect(set.classNames[0]).toBe('tench, Tinca tinca');
  });

  it('a PNG named JPEG, a grey picture and one in CMYK are read as colours', async () => {
    const set = await imageNet(at('imagenet'), {...part, split: 'train', batchSize: 16});
    const [{images}] = (await all(set)) as [AnnotatedBatch];
    const firstPixel = (file: string): number[] => [...images[set.files.indexOf(`train/${file}`)]!.data.subarray(0, 3)];
    expect(firstPixel('n02105855/n02105855_2933.JPEG')).toEqual([40, 40, 200]);
    expectClose(firstPixel('n01440764/n01440764_18.JPEG'), [90, 90, 90], {abs: 2}, 'grey');
    // Made as green; by the profile of a press it is a duller one, and not its negative.
    const [red, green, blue] = firstPixel('n02100735/n02100735_7.JPEG');
    expect(green).toBeGreaterThan(120);
    expect(red! + blue!).toBeLessThan(2 * green! - 60);
  });

  it('pictures are taken as they are stored, since boxes are about that', async () => {
    const set = await imageNet(at('imagenet'), {...part, split: 'train', batchSize: 16});
    const [{images}] = (await all(set)) as [AnnotatedBatch];
    const index = set.files.indexOf('train/n02119789/n02119789_20.JPEG');
    expect([images[index]!.width, images[index]!.height]).toEqual([24, 16]);
    const upright = await decodeImage(at('imagenet', set.files[index]!));
    expect([upright.width, upright.height]).toEqual([16, 24]);
  });

  it('the banner of FGVC-Aircraft is cut off, whatever is cut besides', async () => {
    for (const options of [
      {},
      {size: [16, 16]},
      {size: [16, 16], fit: 'crop'},
      {size: [16, 16], leastCrop: 0.2},
      {leastCrop: 0.2},
    ] as const) {
      const set = await fgvcAircraft(fixtures, {...part, ...options, split: 'trainval'});
      for (const {images} of await all(set)) for (const {data} of images) expect(Math.max(...data)).toBeLessThan(200);
    }
  });

  it('names with a slash or with spaces are one name', async () => {
    const {classNames} = await fgvcAircraft(fixtures, {...part, split: 'test'});
    expect(classNames).toEqual(['707-320', 'Eurofighter Typhoon', 'F-16A/B']);
    expect((await stanfordCars(fixtures, {...part, split: 'test'})).classNames[2]).toBe('Ram C/V Cargo Van Minivan 2012');
  });

  it('trainval is both parts, in the order of the list', async () => {
    const files = async (split: 'train' | 'val' | 'trainval'): Promise<readonly string[]> =>
      (await fgvcAircraft(fixtures, {...part, split})).files;
    expect(await files('trainval')).toEqual([...(await files('train')), ...(await files('val'))]);
  });
});

describe('what is missing', () => {
  const message = async (made: Promise<unknown>): Promise<string> => {
    const error = (await made.then(
      () => new Error('nothing was wrong'),
      (failure: unknown) => failure,
    )) as Error;
    expect(error).toBeInstanceOf(ModelFileError);
    return error.message;
  };

  it.each<[string, () => Promise<unknown>, string, string]>([
    ['CUB', () => cub200(scratch, {split: 'train'}), 'images.txt is missing', 'https://www.vision.caltech.edu/datasets/cub_200_2011/'],
    ['Cars', () => stanfordCars(scratch, {split: 'train'}), 'neither cars_train_annos.mat', 'car_devkit.tgz'],
    [
      'Aircraft',
      () => fgvcAircraft(scratch, {split: 'val'}),
      'images_box.txt is missing',
      'https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/',
    ],
    ['ImageNet', () => imageNet(scratch, {split: 'train'}), 'train is missing', 'https://image-net.org/download-images'],
  ])('is named, with where to get it: %s', async (_, read, what, where) => {
    const text = await message(read());
    expect(text).toContain(what);
    expect(text).toContain(where);
  });

  it('is counted, unless a part will do', async () => {
    const folder = await copyOf('CUB_200_2011');
    await rm(join(folder, 'images', expected['cub train']!.files[1]!));
    expect(await message(cub200(folder, {split: 'train'}))).toMatch(/1 of 3 pictures are missing .*0003_111\.jpg.* complete: false/);
    expect((await cub200(folder, {...part, split: 'train'})).files).toEqual(expected['cub train']!.files.filter((_, index) => index !== 1));
    await rm(join(folder, 'images'), {recursive: true});
    expect(await message(cub200(folder, {...part, split: 'train'}))).toMatch(/3 of 3 pictures are missing/);
    expect(await message(cub200(fixtures, {split: 'train'}))).toMatch(/3 classes where 200 were published/);
  });

  it('is a class or a number that another file does not know', async () => {
    const birds = await copyOf('CUB_200_2011');
    const write = (name: string, text: string): Promise<void> => writeFile(join(birds, name), text);
    await write('image_class_labels.txt', '1 1\n2 1\n3 4\n7 3\n8 3\n');
    expect(await message(cub200(birds, {...part, split: 'train'}))).toMatch(/of class 4, but there are 3 classes, counted from 1/);
    await write('image_class_labels.txt', '1 1\n2 1\n7 3\n8 3\n');
    expect(await message(cub200(birds, {...part, split: 'train'}))).toMatch(/image_class_labels\.txt has no line for 3/);
    await write('bounding_boxes.txt', '1 1 2 3\n');
    expect(await message(cub200(birds, {...part, split: 'train'}))).toMatch(/should have 4 numbers, but has '1 2 3'/);
    await write('images.txt', '1 a.jpg\n1 b.jpg\n');
    expect(await message(cub200(birds, {...part, split: 'train'}))).toMatch(/two lines for 1/);
    await write('images.txt', 'a.jpg\n');
    expect(await message(cub200(birds, {...part, split: 'train'}))).toMatch(/line without two parts: 'a\.jpg'/);
    const planes = await copyOf('fgvc-aircraft-2013b');
    await writeFile(join(planes, 'data/images_family_test.txt'), '1514522 Boeing  707\n');
    expect(await message(fgvcAircraft(planes, {...part, split: 'test', level: 'family'}))).toMatch(
      /the class 'Boeing {2}707', which families\.txt has not/,
    );
  });

  it('is the test set of Stanford Cars with its classes, which came later', async () => {
    const folder = await copyOf('stanford_cars');
    await rm(join(folder, 'cars_test_annos_withlabels.mat'));
    expect(await message(stanfordCars(folder, {...part, split: 'test'}))).toMatch(/cars_test_annos\.mat is there, but has no classes/);
    await rm(join(folder, 'devkit/cars_meta.mat'));
    expect(await message(stanfordCars(folder, {...part, split: 'train'}))).toMatch(/cars_meta\.mat, with the names of the classes/);
    await writeFile(join(folder, 'devkit/cars_train_annos.mat'), await readFile(at('cars-in-one/cars_annos.mat')));
    await cp(at('stanford_cars/devkit/cars_meta.mat'), join(folder, 'devkit/cars_meta.mat'));
    expect(await message(stanfordCars(folder, {...part, split: 'train'}))).toMatch(
      /annotations\(1\)\.fname must be a text, but is missing/,
    );
  });

  it('is a column of a table', async () => {
    const read = (table: Partial<CarTable>): Promise<string> =>
      message(stanfordCars(at('cars-as-tables'), {...part, split: 'train', table: {...tables.train, ...table}}));
    expect(await read({columns: {...tables.train.columns, file: 'fname'}})).toMatch(
      /no column 'fname' for file; there are id, x1, y1, x2, y2, Class, image/,
    );
    expect(await read({columns: {...tables.train.columns, left: 'image'}})).toMatch(
      /line 2 of .* has '00001\.jpg' where a number should be/,
    );
    expect(await read({columns: {...tables.train.columns, class: 'image'}})).toMatch(
      /the class '00001\.jpg', which is neither a number nor one of the 3 names/,
    );
    expect(await read({classNames: undefined})).toMatch(/cars_meta\.mat/);
    expect(await read({annotations: 'none.csv'})).toMatch(/none\.csv is missing/);
    vi.doMock('csv-parse/sync', () => {
      throw new Error("Cannot find package 'csv-parse'");
    });
    await expect(stanfordCars(at('cars-as-tables'), {...part, split: 'train', table: tables.train})).rejects.toThrow(
      /npm install csv-parse/,
    );
    vi.doUnmock('csv-parse/sync');
  });

  it('is the devkit, or what contradicts it', async () => {
    expect(await message(imageNet(at('imagenet-by-wnid'), {...part, split: 'val'}))).toMatch(
      /4 folders of classes instead of 1000, .*the option devkit/,
    );
    const folder = await copyOf('imagenet');
    await rm(join(folder, 'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt'));
    expect(await message(imageNet(folder, {...part, split: 'val'}))).toMatch(/has 0 lines, none for picture 1/);
    await rm(join(folder, 'ILSVRC2012_devkit_t12'), {recursive: true});
    expect(await message(imageNet(folder, {...part, split: 'val'}))).toMatch(
      /val\/ILSVRC2012_val_00000001\.JPEG lies in no folder of its class/,
    );
    expect(await message(imageNet(folder, {...part, split: 'train', devkit: scratch}))).toMatch(/meta\.mat is missing/);
    await rm(join(folder, 'train/n02119789/n02119789_20.JPEG'));
    expect(await message(imageNet(folder, {split: 'train', devkit}))).toMatch(/6 pictures .* train\/n02119789 .* 2 instead of 3/);
    await mkdir(join(folder, 'train/n99999999'));
    expect(await message(imageNet(folder, {...part, split: 'train', devkit}))).toMatch(/train\/n99999999 is no class of the devkit/);
    const nested = await copyOf('imagenet-by-wnid');
    await cp(join(nested, 'val/n01440764/ILSVRC2012_val_00000001.JPEG'), join(nested, 'val/n02119789/ILSVRC2012_val_00000001.JPEG'));
    expect(await message(imageNet(nested, {...part, split: 'val', devkit}))).toMatch(
      /n02119789\/ILSVRC2012_val_00000001\.JPEG is of class n01440764/,
    );
  });

  it('is a number in the list of pictures that are left out', async () => {
    const read = (leftOut: readonly number[]): Promise<unknown> => imageNet(at('imagenet'), {...part, split: 'val', leftOut});
    expect(((await read([6, 1])) as DataSet).length).toBe(4);
    await expect(read([0])).rejects.toThrow(RangeError);
    expect(await message(read([50_001]))).toMatch(/whole numbers from 1 to 50000, but has 50001/);
    expect(await message(read([2, 2]))).toMatch(/names 1 pictures twice/);
    await expect(imageNet(at('imagenet'), {...part, split: 'train', leftOut: [1]})).rejects.toThrow(RangeError);
  });

  it('is a number in an XML file of boxes', async () => {
    const boxes = await copyOf('imagenet-boxes');
    await writeFile(join(boxes, 'val/ILSVRC2012_val_00000001.xml'), '<size><width>42</width></size>');
    const set = await imageNet(at('imagenet'), {...part, split: 'val', annotations: boxes});
    expect(await message(all(set))).toMatch(/00000001\.xml has no number as <height>/);
  });
});
