/**
 * One line of progress: a moving bar on a terminal, a line every ten percent elsewhere. The bar is cli-progress's, which knows
 * terminals; the quickstart and the benchmarks show theirs by this class, too.
 */
import cliProgress from 'cli-progress';
import type {Progress} from '../core/types.js';

const SHARE = 0.1;

/** Shows progress records; another stage starts another bar. */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream;
  readonly #bar: cliProgress.SingleBar | null;
  #stage: string | null = null;
  #nextLine = 0;
  #started = 0;

  /** @param out Where to write. @default process.stdout */
  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    const format = '{stage} {bar} {percentage} % | {value}/{total} | {eta_formatted} left | {note}';
    const options = {format, stream: out, hideCursor: true, barsize: 30};
    this.#bar = out.isTTY ? new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic) : null;
  }

  /** Shows a record, and a note such as the current loss behind it. */
  update({stage, done, total}: Progress, note: string = ''): void {
    if (stage !== this.#stage) this.#start(stage, total);
    this.#bar?.update(done, {stage, note});
    if (this.#bar === null && (done >= this.#nextLine || done >= total)) {
      const seconds = ((performance.now() - this.#started) / 1000).toFixed(0);
      this.#out.write(`${stage}: ${done}/${total} (${Math.floor((100 * done) / total)} %) after ${seconds} s${note && `, ${note}`}\n`);
      this.#nextLine = (Math.floor(done / (SHARE * total)) + 1) * SHARE * total;
    }
  }

  /** Ends the bar and leaves the terminal as it was. Safe to call twice. */
  stop(): void {
    if (this.#stage !== null) this.#bar?.stop();
    this.#stage = null;
  }

  #start(stage: string, total: number): void {
    this.stop();
    this.#stage = stage;
    this.#started = performance.now();
    this.#nextLine = SHARE * total;
    this.#bar?.start(total, 0, {stage, note: ''});
  }
}
