/**
 * What replaces networks, explainers and the backend: it stops all work first, frees what goes, and keeps what was there where
 * the new one cannot be had.
 */
import {explainerFromMemory, sampleExplainer, saveInMemory} from '../model/explainer.js';
import {startBackend, type BackendChoice} from '../model/backend.js';
import {networkFromAddress, networkFromFiles, sampleNetwork, type Network, type PreprocessingChoice} from '../model/network.js';
import type {Explaining} from './explaining.js';
import {noQuestion, type OwnExplainer, type Page} from './state.js';
import type {WorkQueue} from './work-queue.js';

/** Something that runs for long beside the queue, such as a camera or a training. */
export interface LongWork {
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

export class Desk {
  readonly #page: Page;
  readonly #queue: WorkQueue;
  readonly #explaining: Explaining;
  readonly #long: LongWork[] = [];

  constructor(page: Page, queue: WorkQueue, explaining: Explaining) {
    this.#page = page;
    this.#queue = queue;
    this.#explaining = explaining;
  }

  /** Names work that has to end before models are replaced. */
  stopsFirst(work: LongWork): void {
    this.#long.push(work);
  }

  async useSample(): Promise<void> {
    const network = await sampleNetwork();
    await this.#replace(network, await readyExplainer(network));
  }

  async useFiles(files: readonly File[], choice: PreprocessingChoice): Promise<void> {
    await this.#replace(await networkFromFiles(files, choice), undefined);
  }

  async useAddress(address: string, choice: PreprocessingChoice): Promise<void> {
    await this.#replace(await networkFromAddress(address, choice), undefined);
  }

  /** Takes an explainer that was distilled here; the one before is freed. */
  async useExplainer(explainer: OwnExplainer): Promise<void> {
    await this.#rest();
    const {explainer: before} = this.#page.state;
    this.#page.set({explainer, shown: 'ours'});
    await this.#queue.idle();
    before?.distiller.dispose();
  }

  /** Back to the explainer that came with the page. */
  async useReadyExplainer(): Promise<void> {
    const {network} = this.#page.state;
    if (network?.isSample === true) await this.useExplainer(await readyExplainer(network));
  }

  /** Changes the backend under everything: weights lie on one, so network and explainer are made again on the other. */
  async useBackend(choice: BackendChoice): Promise<void> {
    await this.#rest();
    const {backend: before, network, explainer} = this.#page.state;
    if (explainer !== undefined) await saveInMemory(explainer.distiller);
    let failure: unknown;
    const backend = await startBackend(choice).catch(async (error: unknown) => {
      failure = error;
      return startBackend((before?.backend ?? 'auto') as BackendChoice);
    });
    if (network !== undefined) {
      const again = await network.again();
      const own = explainer && {...explainer, distiller: await explainerFromMemory(again.teacher)};
      await this.#replace(again, own);
    }
    this.#page.set({backend});
    if (failure !== undefined) throw failure;
  }

  async #replace(network: Network, explainer: OwnExplainer | undefined): Promise<void> {
    await this.#rest();
    const {network: before, explainer: explainerBefore} = this.#page.state;
    const shown = explainer !== undefined ? 'ours' : network.teacher.model !== undefined ? 'grad-cam' : 'rise';
    this.#page.set({network, explainer, shown, question: noQuestion, refine: 0});
    explainerBefore?.distiller.dispose();
    before?.dispose();
  }

  async #rest(): Promise<void> {
    await Promise.all(this.#long.map((work) => work.stop()));
    this.#explaining.stop();
    await this.#queue.idle();
  }
}

async function readyExplainer({teacher}: Network): Promise<OwnExplainer> {
  return {distiller: await sampleExplainer(teacher), origin: 'came with the page', training: []};
}
