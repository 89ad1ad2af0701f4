/** A visit of the demo by a real browser: what it complains of and what it asks of others is kept, and ends the check. */
import assert from 'node:assert/strict';
import type {Browser, BrowserContextOptions, JSHandle, Page} from 'playwright';

/** Long enough for a GPU in software. */
const PATIENCE_MS = 120_000;

/** A file in a visitor's hand. */
export interface GivenFile {
  readonly name: string;
  readonly type: string;
  readonly content: Uint8Array;
}

export class Visit {
  readonly page: Page;
  readonly #complaints: string[] = [];
  readonly #foreign: string[] = [];

  private constructor(page: Page, address: string) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.#complaints.push(message.text());
    });
    const {origin} = new URL(address);
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin) this.#foreign.push(request.url());
    });
  }

  /** Opens the page and waits for its first map. */
  static async begin(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
    const visit = new Visit(await context.newPage(), address);
    await visit.page.goto(address);
    await visit.mapOf('ours');
    return visit;
  }

  /** Waits until a method is where it should be with its map. */
  async mapOf(method: string, kind: string = 'done'): Promise<void> {
    await this.page.waitForSelector(`[data-method="${method}"][data-kind="${kind}"]`);
  }

  /** Waits until an element says something. */
  async says(selector: string, pattern: RegExp): Promise<string> {
    const handle = await this.page.waitForFunction(
      ([at, source, flags]) => {
        const text = document.querySelector(at)?.textContent ?? '';
        return new RegExp(source, flags).test(text) ? text : undefined;
      },
      [selector, pattern.source, pattern.flags] as const,
    );
    return (await handle.jsonValue()) as string;
  }

  /** Where the map of a method is brightest, as shares of its sides. */
  async peakOf(method: string): Promise<{readonly x: number; readonly y: number}> {
    return this.page.evaluate((id) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`[data-method="${id}"] canvas`) as HTMLCanvasElement;
      const {data} = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
      let [best, at] = [-1, 0];
      for (let pixel = 0; pixel < canvas.width * canvas.height; pixel++) {
        const light = (data[4 * pixel] ?? 0) + (data[4 * pixel + 1] ?? 0) + (data[4 * pixel + 2] ?? 0);
        if (light > best) [best, at] = [light, pixel];
      }
      return {x: (at % canvas.width) / canvas.width, y: Math.floor(at / canvas.width) / canvas.height};
    }, method);
  }

  /** Drops files on the page, as a hand would. */
  async drop(files: readonly GivenFile[]): Promise<void> {
    await this.page.dispatchEvent('body', 'drop', {dataTransfer: await this.#transferOf(files)});
  }

  /** Pastes files into the page. */
  async paste(files: readonly GivenFile[]): Promise<void> {
    const transfer = await this.#transferOf(files);
    await this.page.evaluate((data) => {
      document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));
    }, transfer);
  }

  #transferOf(files: readonly GivenFile[]): Promise<JSHandle<DataTransfer>> {
    const list = files.map(({name, type, content}) => ({name, type, bytes: [...content]}));
    return this.page.evaluateHandle((given) => {
      const data = new DataTransfer();
      for (const {name, type, bytes} of given) data.items.add(new File([Uint8Array.from(bytes)], name, {type}));
      return data;
    }, list);
  }

  /** Ends the visit: nothing may have gone wrong unseen, nothing may have been asked of another server. */
  async end(): Promise<void> {
    assert.deepEqual(this.#complaints, [], 'the page complained on the console');
    assert.deepEqual(this.#foreign, [], 'the page asked another server');
    assert.equal(await this.page.textContent('#complaints'), '', 'a complaint is left on the page');
    await this.page.context().close();
  }
}
