/** Where words go: results to the standard output, everything else to the error output, so that results can be piped on. */
import {oneLine} from '../core/import-optional.js';
import type {Progress} from '../core/types.js';
import {ProgressBar} from './progress-bar.js';

/** How much is said. */
export interface TerminalOptions {
  /** Results as JSON, one record a line, instead of text. */
  readonly json?: boolean | undefined;
  /** No progress and no notes. */
  readonly quiet?: boolean | undefined;
}

/** The two outputs of the program. */
export class Terminal {
  readonly #bar: ProgressBar | undefined;
  readonly #isJson: boolean;

  constructor({json = false, quiet = false}: TerminalOptions) {
    this.#isJson = json;
    this.#bar = quiet ? undefined : new ProgressBar(process.stderr);
  }

  /** Shows how far the work is. */
  progress(progress: Progress, note?: string): void {
    this.#bar?.update(progress, note);
  }

  /** Ends the bar, if there is one. */
  endProgress(): void {
    this.#bar?.stop();
  }

  /** Something to know while the work goes on; left out when quiet. */
  note(text: string): void {
    if (this.#bar === undefined) return;
    this.#bar.stop();
    process.stderr.write(`${text}\n`);
  }

  /** Something that must not be overlooked; said also when quiet. */
  warn(text: string): void {
    this.#bar?.stop();
    process.stderr.write(`${text}\n`);
  }

  /** A result as a record, for programs; nothing without `json`. */
  record(record: object): void {
    if (this.#isJson) process.stdout.write(`${JSON.stringify(record)}\n`);
  }

  /** A result as text, for people; nothing with `json`. */
  text(text: string): void {
    this.#bar?.stop();
    if (!this.#isJson) process.stdout.write(`${text}\n`);
  }
}

/** What every command gets. */
export interface Context {
  readonly terminal: Terminal;
  /** Aborts with Ctrl-C; its reason is a `CommandError`. */
  readonly signal: AbortSignal;
}

/** Pictures that could not be read, and why. */
export class LeftOut {
  readonly #reasons = new Map<string, string>();

  /** Remembers one, with the first line of the reason. */
  add(file: string, error: Error): void {
    this.#reasons.set(file, oneLine(error));
  }

  get count(): number {
    return this.#reasons.size;
  }

  /** The files with the reasons. */
  entries(): [file: string, reason: string][] {
    return [...this.#reasons];
  }

  /** Names them all. */
  tell(terminal: Terminal): void {
    if (this.count === 0) return;
    const lines = [...this.#reasons].map(([file, reason]) => `  ${file}: ${reason}`);
    terminal.warn(`Left out, since ${this.count === 1 ? 'it' : 'they'} cannot be read (${this.count}):\n${lines.join('\n')}`);
  }
}
