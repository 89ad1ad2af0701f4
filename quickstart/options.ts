/** The quickstart's command line. */
import {parseArgs} from 'node:util';

/** What can be asked for. */
export interface QuickstartOptions {
  /** Folder of a tfjs LayersModel; absent: the teacher that lies beside this file. */
  readonly teacher: string | undefined;
  /** Folder of photos; given exactly where `teacher` is. */
  readonly images: string | undefined;
  readonly preprocessing: string;
  readonly minutes: number | undefined;
  readonly limit: number;
  readonly seed: number;
  /** Where the sheet goes. */
  readonly out: string;
}

const usage = `npm run quickstart                                   with pictures and a teacher that come with the code
npm run quickstart -- --teacher DIR --images DIR     with a tfjs LayersModel (model.json + shards) and a folder of photos

  --preprocessing NAME   how the teacher sees pixels: tf ([-1,1]), torch (ImageNet mean and deviation), unit ([0,1]) or none (default tf)
  --minutes N            how long the explanation network is trained (default 384 steps; 3 minutes with --teacher)
  --limit N              at most so many photos for training (default 1000)
  --seed N               decides every random draw (default 7)
  --out FILE             the picture sheet (default out/quickstart.png)`;

/** Reads the command line; prints the usage and ends the process if it is wrong. */
export function readOptions(): QuickstartOptions {
  try {
    const {values} = parseArgs({
      options: {
        teacher: {type: 'string'},
        images: {type: 'string'},
        preprocessing: {type: 'string', default: 'tf'},
        minutes: {type: 'string'},
        limit: {type: 'string', default: '1000'},
        seed: {type: 'string', default: '7'},
        out: {type: 'string', default: 'out/quickstart.png'},
        help: {type: 'boolean', default: false},
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const {teacher, images, preprocessing, out} = values;
    if ((teacher === undefined) !== (images === undefined)) throw new RangeError('--teacher and --images go together.');
    const number = (name: 'minutes' | 'limit' | 'seed'): number | undefined => {
      const text = values[name];
      const value = Number(text);
      if (text !== undefined && (text === '' || !Number.isFinite(value) || value < 0))
        throw new RangeError(`--${name} must be a number of at least 0, but is '${text}'.`);
      return text === undefined ? undefined : value;
    };
    return {
      teacher,
      images,
      preprocessing,
      minutes: number('minutes'),
      limit: number('limit') as number,
      seed: number('seed') as number,
      out,
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}
