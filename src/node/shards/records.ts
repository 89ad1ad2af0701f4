/** What shards hold: a record for each image, by the kind of task. */
import type {SaliencyMap} from '../../core/types.js';
import type {ComparedImage} from '../../metrics/compare/options.js';
import type {ShardTask} from './tasks.js';

/** Which image a record is about. */
export interface ShardRecord {
  /** Number of the image, from 0. */
  readonly index: number;
  /** As the plan names it. */
  readonly source: string;
}

/** The numbers of one image by every explainer that got it, in the order of the methods. */
export interface ComparedRecord extends ShardRecord {
  /** One for each explainer. */
  readonly results: readonly ComparedResult[];
}

/** The numbers of one image by one explainer. */
export interface ComparedResult {
  /** The name of the explainer. */
  readonly method: string;
  /** As `compare()` gives it. */
  readonly image: ComparedImage;
}

/** The maps of one image: one, or one for each class that was asked for. */
export interface ExplainedRecord extends ShardRecord {
  /** The image's own. */
  readonly seed: number;
  /** In the order of the classes. */
  readonly maps: readonly SaliencyMap[];
}

/** The model's scores of one image. */
export interface ScoresRecord extends ShardRecord {
  /** `drawMaskGrids(size, {numMasks, seed, gridSize, keepProbability})` draws the masks again. */
  readonly seed: number;
  /** One per class; two for a model with one output. */
  readonly scores: Float32Array;
  /** `numMasks · classes` values, mask by mask. */
  readonly masked: Float32Array;
}

/** The records of each kind of task. */
export interface RecordsOf {
  /** Of a comparison. */
  readonly compare: ComparedRecord;
  /** Of maps. */
  readonly explain: ExplainedRecord;
  /** Of the model's scores. */
  readonly scores: ScoresRecord;
}

/** What a file of a shard says. */
export interface ShardContent {
  /** Its own name: a file that was renamed is none. */
  readonly name: string;
  /** The tfjs backend that computed. */
  readonly backend: string;
  readonly records: readonly RecordsOf[ShardTask['kind']][];
}
