/** Ctrl-C and its kin: the first one ends the work between two steps, a second one ends the program. */
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';

const codes = {SIGHUP: exitCodes.hungUp, SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated} as const;

/** A signal for all work, and how to listen no longer. */
export interface StopSignals {
  /** Its reason is a {@link CommandError} with the exit code. */
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Begins to listen. */
export function stopOnSignals(): StopSignals {
  const controller = new AbortController();
  const stop = (what: string, code: ExitCode): void => {
    if (controller.signal.aborted) process.exit(code);
    controller.abort(new CommandError(what, code));
  };
  const listeners = Object.entries(codes).map(([name, code]) => [name, () => stop('Stopped.', code)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  // Whoever reads has gone, as `| head` does.
  const onError = ({code}: NodeJS.ErrnoException): void => {
    if (code === 'EPIPE' && !controller.signal.aborted) stop('Nobody reads the output any more.', exitCodes.brokenPipe);
  };
  process.stdout.on('error', onError);
  const release = (): void => {
    for (const [name, listener] of listeners) process.off(name, listener);
    process.stdout.off('error', onError);
  };
  return {signal: controller.signal, release};
}
