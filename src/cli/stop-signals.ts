/** Ctrl-C and its kin: the first one ends the work between two steps, a second one ends the program. */
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';

const codes = {SIGHUP: exitCodes.hungUp, SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated} as const;

/** Makes the signal that ends all work; its reason is a {@link CommandError} with the exit code. */
export function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  const stop = (what: string, code: ExitCode): void => {
    if (controller.signal.aborted) process.exit(code);
    controller.abort(new CommandError(what, code));
  };
  for (const [name, code] of Object.entries(codes)) process.on(name, () => stop('Stopped.', code));
  // Whoever reads has gone, as `| head` does.
  process.stdout.on('error', ({code}: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') stop('Nobody reads the output any more.', exitCodes.brokenPipe);
  });
  return controller.signal;
}
