/** What the program ends with, for scripts: see docs/command-line.md. */
import {AttentiveError} from '../core/errors/attentive-error.js';

/** The exit codes. Signals end it with 128 plus their number, as in a shell. */
export const exitCodes = {
  done: 0,
  /** The work failed: a broken model, a folder that cannot be written. */
  failed: 1,
  /** The command line is wrong; nothing was done. */
  usage: 2,
  /** There is no picture, or none that can be read. */
  noPictures: 3,
  /** All is done but for some pictures that cannot be read; they are named. */
  leftOut: 4,
  hungUp: 129,
  interrupted: 130,
  brokenPipe: 141,
  terminated: 143,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error that decides how the program ends. */
export class CommandError extends AttentiveError {
  override readonly name: string = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.usage, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
