/** The fields of the page's state. */
import type {AttentiveDistiller, BackendSelection, DecodedImage, SaliencyMap, TrainingProgress} from 'attentive-distiller';
import type {Network} from '../model/network.js';
import {Store} from './store.js';

/** The methods that draw maps, in the order of their cards. */
export const methodIds = ['ours', 'grad-cam', 'rise', 'lime'] as const;
export type MethodId = (typeof methodIds)[number];

/** A picture to be explained. */
export interface Picture {
  readonly name: string;
  readonly image: DecodedImage;
  /** Of a sample: its place in the list. */
  readonly sample?: number;
}

/** What is asked: why this class, and perhaps rather than which. */
export interface Question {
  /** None: the class that the network decides for. */
  readonly target: number | undefined;
  readonly against: number | undefined;
}

/** Where a method is with its map. */
export type MapState =
  | {readonly kind: 'none'}
  | {readonly kind: 'refused'; readonly why: string}
  | {readonly kind: 'failed'; readonly why: string}
  | {readonly kind: 'cancelled'}
  | {readonly kind: 'running'; readonly fraction: number | undefined}
  | {readonly kind: 'done'; readonly map: SaliencyMap; readonly ms: number};

/** An explainer, and where it comes from. */
export interface OwnExplainer {
  readonly distiller: AttentiveDistiller;
  readonly origin: 'came with the page' | 'distilled here';
  readonly training: readonly TrainingProgress[];
}

export interface State {
  readonly backend: BackendSelection | undefined;
  readonly picture: Picture | undefined;
  readonly network: Network | undefined;
  readonly explainer: OwnExplainer | undefined;
  /** A probability for each class, of the picture. */
  readonly scores: readonly number[] | undefined;
  readonly question: Question;
  readonly refine: number;
  readonly maps: Readonly<Record<MethodId, MapState>>;
  /** The method whose map lies on the picture. */
  readonly shown: MethodId;
  readonly opacity: number;
}

export const noQuestion: Question = {target: undefined, against: undefined};

/** No map of any method yet. */
export function noMaps(): State['maps'] {
  return {ours: {kind: 'none'}, 'grad-cam': {kind: 'none'}, rise: {kind: 'none'}, lime: {kind: 'none'}};
}

export type Page = Store<State>;

export function newPage(): Page {
  return new Store<State>({
    backend: undefined,
    picture: undefined,
    network: undefined,
    explainer: undefined,
    scores: undefined,
    question: noQuestion,
    refine: 0,
    maps: noMaps(),
    shown: 'ours',
    opacity: 0.5,
  });
}

/** The class that is explained, once it is known. */
export function classInQuestion({question, scores}: Pick<State, 'question' | 'scores'>): number | undefined {
  if (question.target !== undefined) return question.target;
  return scores === undefined ? undefined : scores.indexOf(Math.max(...scores));
}

/** What a class is called. */
export function className(network: Network | undefined, index: number): string {
  return network?.teacher.labels?.[index] ?? `class ${index}`;
}
