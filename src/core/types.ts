/**
 * The words that every other file uses: images, preprocessing, teachers, score functions and
 * saliency maps. Nothing here computes.
 */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';

/**
 * A decoded picture: row-major, channels last, values 0–255. A browser's `ImageData` is one
 * (its alpha channel is ignored).
 */
export interface DecodedImage {
  /** `height · width · channels` values in 0–255. */
  readonly data: Uint8Array | Uint8ClampedArray | Float32Array;
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 1 (grey), 3 (RGB) or 4 (RGBA, alpha ignored). Taken from the length of `data` when absent. */
  readonly channels?: 1 | 3 | 4 | undefined;
}

/**
 * An image of a page: whatever a canvas can draw. It is taken as the page shows it, at its own size, upright, with transparent
 * parts over white; a canvas or video as it is when its turn comes.
 */
export type PageImage = HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | HTMLVideoElement | VideoFrame;

/** A picture that still has to go through the teacher's preprocessing; a file (`Blob`) is decoded when its turn comes, in browsers. */
export type PictureInput = DecodedImage | PageImage | Blob;

/** One image: a tensor that is already what the network sees (`[H,W,C]` or `[1,H,W,C]`), or a picture, see {@link PictureInput}. */
export type ImageInput = Tensor3D | Tensor4D | PictureInput;

/** One image, or several: a tensor `[N,H,W,C]` or an array of single images. */
export type ImagesInput = ImageInput | readonly ImageInput[];

/** How pixels in 0–255 become network input: `(pixel · scale − mean) / std`, per channel. */
export interface Preprocessing {
  /** Factor on the pixel, `1/255` for networks trained on [0,1]. */
  readonly scale: number;
  /** Subtracted after scaling: one value, or one per channel. */
  readonly mean: number | readonly number[];
  /** Divisor after subtracting, above 0: one value, or one per channel. */
  readonly std: number | readonly number[];
  /**
   * The order in which the network wants the colours of a pixel; `mean` and `std` are in that order. Networks of Caffe
   * want blue first. @default 'rgb'
   */
  readonly channelOrder?: 'rgb' | 'bgr' | undefined;
  /** `'squash'` stretches to the input size; `'crop'` keeps the aspect and cuts the centre. @default 'squash' */
  readonly fit?: 'squash' | 'crop' | undefined;
  /**
   * Whether shrinking averages all pixels (as Pillow and sharp do) or samples bilinearly (as
   * TensorFlow's resize does, on which many networks were trained). @default true
   */
  readonly antialias?: boolean | undefined;
}

/**
 * `'exclusive'`: one class is right, and probabilities are a softmax, or with one output a sigmoid. `'independent'`: each
 * class may be there or not (multi-label), and has a sigmoid of its own.
 */
export type ClassKind = 'exclusive' | 'independent';

/**
 * A classifier to be explained. Implement it to add an architecture that the adapters do not
 * know. It is never changed by this library.
 */
export interface Teacher {
  /** For messages and saved files. */
  readonly name: string;
  /** `[height, width, channels]` of one image as the network sees it. */
  readonly inputShape: readonly [number, number, number];
  /** Number of classes, the width of the logits. 1 means a single sigmoid logit. */
  readonly numClasses: number;
  /** How decoded pictures become network input; without it only tensors are accepted. */
  readonly preprocessing?: Preprocessing | undefined;
  /** Class names, in the order of the logits. */
  readonly labels?: readonly string[] | undefined;
  /** What the logits mean. @default 'exclusive' */
  readonly classes?: ClassKind | undefined;
  /**
   * Scores a batch before the softmax, or before the sigmoids of independent classes: `[N,H,W,C]` to `[N,K]`. Differentiable with respect to the
   * images, deterministic, in inference mode. The result belongs to the caller.
   */
  logits(images: Tensor4D): Tensor2D;
  /**
   * Of a black box: the function that scores, and what its scores are. Then `logits` throws, and what needs a gradient of
   * the teacher is refused; see `teacherFromScores`.
   */
  readonly scores?:
    | {
        /** `(batch) => scores`. */
        readonly score: ScoreFn;
        /** What the scores are. */
        readonly output: 'probabilities' | 'logits';
      }
    | undefined;
  /** The tfjs model behind it, where there is one: lets `studentFromTeacher` copy the graph. */
  readonly model?: LayersModel | undefined;
}

/** What a score function may return for a batch of N: `[N,K]` as a tensor, rows, or flat values. */
export type Scores = Tensor2D | readonly (readonly number[] | Float32Array)[] | Float32Array;

/**
 * Any model as a function: a batch `[N,H,W,C]` to class scores `[N,K]`, used as they are. It may
 * be asynchronous (ONNX Runtime, a server). The batch is disposed by the caller after the promise
 * settles; a returned tensor is disposed by the library.
 */
export type ScoreFn = (batch: Tensor4D) => Scores | Promise<Scores>;

/**
 * What tfjs-converter loads as a GraphModel, told by its form so that the package is not needed.
 * Anything else that predicts a batch fits as well.
 */
export interface GraphModelLike {
  /** `[N,H,W,C]` to `[N,K]` or `[N,1,1,K]`, alone, in a list of one or under one name. */
  predict(batch: Tensor): unknown;
  /** Where a GraphModel says what it takes; `-1` or `null` leaves a size open. */
  readonly inputs?:
    | readonly {
        /** The batch first. */
        readonly shape?: readonly (number | null)[] | undefined;
      }[]
    | undefined;
}

/**
 * Whatever can be asked about images: a LayersModel, a Teacher or a GraphModel (scores are probabilities),
 * or a function, or anything else that predicts (scores are what it returns).
 */
export type Model = LayersModel | Teacher | GraphModelLike | ScoreFn;

/** One explanation: which pixels speak for `target`, in which order. */
export interface SaliencyMap {
  /** `height · width` values, row-major; higher is more important. */
  readonly data: Float32Array;
  /** Rows; equal to the network's input height for our own maps. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** Index of the class that is explained; −1 where the target is a function of the logits. */
  readonly target: number;
  /** Probability of `target` for the unmasked image, or the function's value, by the model that `method` ran. */
  readonly score: number;
  /** Which explainer made the map: `'attentive-distiller'`, `'random'`, … */
  readonly method: string;
  /** The seed that was used, `null` where nothing is random. */
  readonly seed: number | null;
  /** Every option that was in force. */
  readonly options: Readonly<Record<string, unknown>>;
  /** True when the map carries no evidence (all values equal); `data` then holds zeros. */
  readonly empty: boolean;
}

/** A map that says nothing of a class: the values, and how they came about. */
export type UnscoredMap = Omit<SaliencyMap, 'target' | 'score'>;

/**
 * A number to be explained, made of the logits `[N,K]` of a LayersModel or Teacher (K ≥ 2: one sigmoid output z counts as
 * `[0, z]`), or of the scores `[N,K]` that any other model returns. Called inside `tidy`; gives `[N]`. Differentiable where
 * the method needs a gradient. `contrast(a, b)` makes the one for "a rather than b".
 */
export type TargetFn = (logits: Tensor2D) => Tensor1D;

/**
 * Which number is explained:
 * - `'argmax'`: the class with the highest score of each image;
 * - a class index;
 * - a list of classes: one map for each, of every image. Where an image has one map (metrics), there is no list;
 * - `{perImage: [3, 7]}`: a class for each image;
 * - `{kind: 'binary', positive}`: a side of a model with one sigmoid output or two classes; such a model counts as two
 *   classes, 0 (negative) and 1 (positive);
 * - a function of the logits, see {@link TargetFn}.
 */
export type Target =
  | 'argmax'
  | number
  | readonly number[]
  | {
      /** A class for each image, from 0. */
      readonly perImage: readonly number[];
    }
  | {
      /** A model that tells one class from everything else. */
      readonly kind: 'binary';
      /** Whether the map tells what speaks for the class, or against it. */
      readonly positive: boolean;
    }
  | TargetFn;

/** A {@link Target} that gives one number per image. */
export type SingleTarget = Exclude<Target, readonly number[]>;

/** Option of everything that asks a model about many images. */
export interface BatchOptions {
  /** Images per call of the model, at least 1. Changes memory and speed, not the result. @default 16 */
  readonly batchSize?: number | undefined;
}

/** Option of everything that draws random numbers. */
export interface SeedOptions {
  /** Decides everything random, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
}

/** Options that mean the same for every explainer. */
export interface ExplainerOptions extends RunOptions, BatchOptions {
  /** What is explained, see {@link Target}. @default 'argmax' */
  readonly target?: Target | undefined;
}

/** Anything that turns images into saliency maps. */
export interface Explainer {
  /** Name of the method, as in {@link SaliencyMap.method}. */
  readonly method: string;
  /**
   * Draws the maps: one per image and class, image by image, classes in the order of the target.
   * Images are borrowed. A method that draws nothing at random does not look at `seed`.
   */
  explain(images: ImagesInput, options?: ExplainerOptions & SeedOptions): Promise<SaliencyMap[]>;
}

/** Option of what can share its work out among threads. */
export interface WorkerOptions {
  /**
   * Worker threads that the batches are shared out among, 0–256; 0 for none but this one. In Node, on
   * the backends wasm and cpu, for models that can be sent there: a LayersModel, or a Teacher that
   * `teacherFromLayersModel` made of one. Changes speed, memory and who waits, not the results. Threads are
   * kept for later calls until `disposeWorkers()`. @default 0
   */
  readonly workers?: number | undefined;
}

/** Options shared by everything that takes longer than a moment. */
export interface RunOptions {
  /** Stops the work between two batches; the promise rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch. @default none */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How far a run has come. */
export interface Progress {
  /** What is being done, e.g. `'insertion'`. */
  readonly stage: string;
  /** Units finished. */
  readonly done: number;
  /** Units in all. */
  readonly total: number;
}
