/** The four methods: what each is, and how it is asked for a map. */
import {
  contrast,
  gradCam,
  lime,
  rise,
  type LimeOptions,
  type RunOptions,
  type SaliencyMap,
  type Target,
  type Teacher,
} from 'attentive-distiller';
import {slic} from 'attentive-distiller/baselines';
import type {MethodId, OwnExplainer, Picture, Question} from '../app/state.js';

/** One map to be drawn. */
export interface Task extends RunOptions {
  readonly picture: Picture;
  readonly teacher: Teacher;
  readonly explainer: OwnExplainer | undefined;
  readonly target: Target;
  readonly refine: number;
}

export interface Method {
  readonly name: string;
  /** In a line: what it does. */
  readonly about: string;
  /** Whether it is drawn without being asked for. */
  readonly isQuick: boolean;
  /** Why it cannot be asked; `undefined` where it can. */
  refusal(task: Pick<Task, 'teacher' | 'explainer'>): string | undefined;
  draw(task: Task): Promise<SaliencyMap[]>;
}

export const SEED = 7;
export const NUM_MASKS = 2000;
export const NUM_SAMPLES = 800;
/** Below, quickshift as LIME sets it finds no segments that fit. */
const LARGE_ENOUGH = 128;
/** For small inputs many at a time, for large ones so few that the page stays awake. */
export const batchSizeFor = ({inputShape: [height, width]}: Teacher): number => (height * width > 100 ** 2 ? 4 : 16);

const anything = (): undefined => undefined;
const runOf = ({target, signal, onProgress}: Task): Pick<Task, 'target' | 'signal' | 'onProgress'> => ({target, signal, onProgress});

/** How LIME cuts a picture for this network. */
export function segmenterFor({inputShape: [height, width]}: Teacher): NonNullable<LimeOptions['segmenter']> {
  return Math.min(height, width) < LARGE_ENOUGH ? (cut) => slic(cut, {numSegments: 70}) : 'quickshift';
}

export const methods: Readonly<Record<MethodId, Method>> = {
  ours: {
    name: 'Distilled',
    about: 'One pass through a small network, for any class.',
    isQuick: true,
    refusal: ({explainer}) => (explainer === undefined ? 'There is no explainer for this network yet: distil one below.' : undefined),
    draw: (task) => {
      const {picture, explainer, refine} = task;
      if (explainer === undefined) throw new Error('There is no explainer.');
      return explainer.distiller.explain([picture.image], {...runOf(task), refine});
    },
  },
  'grad-cam': {
    name: 'Grad-CAM',
    about: 'One prediction and its gradient; coarse.',
    isQuick: true,
    refusal: ({teacher}) =>
      teacher.model === undefined ? 'It looks into layers, and of this network only scores can be asked.' : undefined,
    draw: (task) => gradCam([task.picture.image], task.teacher, runOf(task)),
  },
  rise: {
    name: 'RISE',
    about: `${NUM_MASKS} predictions behind random masks.`,
    isQuick: false,
    refusal: anything,
    draw: (task) => {
      const {picture, teacher} = task;
      const batchSize = batchSizeFor(teacher);
      return rise([picture.image], teacher, {...runOf(task), numMasks: NUM_MASKS, gridSize: 8, seed: SEED, batchSize});
    },
  },
  lime: {
    name: 'LIME',
    about: `${NUM_SAMPLES} predictions with segments hidden.`,
    isQuick: false,
    refusal: anything,
    draw: (task) => {
      const {picture, teacher} = task;
      const [batchSize, segmenter] = [batchSizeFor(teacher), segmenterFor(teacher)];
      return lime([picture.image], teacher, {...runOf(task), numSamples: NUM_SAMPLES, segmenter, seed: SEED, batchSize});
    },
  },
};

/** What the question means to the library. */
export function targetOf({target, against}: Question, decided: number): Target {
  const asked = target ?? decided;
  return against === undefined || against === asked ? asked : contrast(asked, against);
}
