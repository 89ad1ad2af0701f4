/** Asks the methods for maps: the quick ones whenever the question changes, the slow ones when they are started. */
import {describeTeacher} from 'attentive-distiller';
import {methods, targetOf, type Task} from '../model/methods.js';
import {scoresOf} from '../model/scores.js';
import {painted} from './dom.js';
import {complain, isStop, tell} from './messages.js';
import {classInQuestion, className, methodIds, noMaps, type MapState, type MethodId, type Page} from './state.js';
import type {WorkQueue} from './work-queue.js';

const stopped = (): DOMException => new DOMException('Stopped.', 'AbortError');

export class Explaining {
  readonly #page: Page;
  readonly #queue: WorkQueue;
  /** Ends all that was asked about the picture before. */
  #subject = new AbortController();
  readonly #running = new Map<MethodId, AbortController>();

  constructor(page: Page, queue: WorkQueue) {
    this.#page = page;
    this.#queue = queue;
    page.watch(['picture', 'network'], () => void this.#look());
    page.watch(['explainer', 'question'], () => this.#ask(methodIds));
    page.watch(['refine'], () => this.#ask(['ours']));
  }

  /** Stops everything that is under way. */
  stop(): void {
    this.#subject.abort(stopped());
    this.#subject = new AbortController();
  }

  /** Draws one map. */
  async start(id: MethodId): Promise<void> {
    const {picture, network, explainer, question, refine} = this.#page.state;
    const decided = classInQuestion({question: {target: undefined, against: undefined}, scores: this.#page.state.scores});
    if (picture === undefined || network === undefined || decided === undefined) return;
    const {teacher} = network;
    this.cancel(id);
    const why = methods[id].refusal({teacher, explainer});
    if (why !== undefined) return this.#put(id, {kind: 'refused', why});
    const own = new AbortController();
    this.#running.set(id, own);
    const signal = AbortSignal.any([own.signal, this.#subject.signal]);
    const put = (map: MapState): void => {
      // What was started later has the say.
      if (this.#running.get(id) === own) this.#put(id, map);
    };
    put({kind: 'running', fraction: undefined});
    const task: Task = {
      ...{picture, teacher, explainer, refine, target: targetOf(question, decided), signal},
      onProgress: ({done, total}) => put({kind: 'running', fraction: done / total}),
    };
    try {
      await this.#queue.run(signal, async () => {
        await painted();
        const started = performance.now();
        const [map] = await methods[id].draw(task);
        if (map === undefined) throw new Error(`${methods[id].name} drew nothing.`);
        put({kind: 'done', map, ms: performance.now() - started});
      });
      if (!methods[id].isQuick) tell(`${methods[id].name} has drawn its map.`);
    } catch (error) {
      if (isStop(error)) return put({kind: 'cancelled'});
      put({kind: 'failed', why: (error as Error).message});
      complain(`${methods[id].name} failed.`, error);
    }
  }

  /** Stops the map that is being drawn; one that is there stays. */
  cancel(id: MethodId): void {
    this.#running.get(id)?.abort(stopped());
  }

  #put(id: MethodId, map: MapState): void {
    this.#page.set({maps: {...this.#page.state.maps, [id]: map}});
  }

  /** A new picture or network: first what the network says, then why. */
  async #look(): Promise<void> {
    this.stop();
    const {picture, network} = this.#page.state;
    this.#page.set({scores: undefined, maps: noMaps()});
    if (picture === undefined || network === undefined) return;
    const {signal} = this.#subject;
    try {
      const scores = await this.#queue.run(signal, () => scoresOf(picture.image, network.teacher));
      if (signal.aborted) return;
      this.#page.set({scores});
      this.#ask(methodIds);
      tell(`The network ${network.name} sees ${className(network, classInQuestion(this.#page.state) ?? 0)} in ${picture.name}.`);
    } catch (error) {
      if (!isStop(error)) complain('The network could not be asked about this picture.', error);
    }
  }

  #ask(ids: readonly MethodId[]): void {
    const {scores, maps} = this.#page.state;
    if (scores === undefined) return;
    for (const id of ids) {
      this.cancel(id);
      if (methods[id].isQuick || maps[id].kind === 'refused') void this.start(id);
      else this.#put(id, {kind: 'none'});
    }
  }
}

/** In a line: what a network is. */
export function aboutNetwork(page: Page): string {
  const {network} = page.state;
  if (network === undefined) return '';
  const {teacher, preprocessing} = network;
  const [height, width] = teacher.inputShape;
  const {kind} = describeTeacher(teacher);
  return `${kind === 'Teacher' ? 'tfjs model' : kind}, ${height} × ${width}, ${teacher.numClasses} classes, preprocessing ${preprocessing}`;
}
