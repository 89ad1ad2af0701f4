/**
 * tfjs' handlers by address. The one for the web is named here: a bundler may leave out a file that does nothing but register
 * itself, or put it where it is not run (Vite 8 does), and then nothing loads from an address.
 */
import {io} from '@tensorflow/tfjs-core';

/** What can load from an address; none where no handler knows its scheme. */
export function loadHandlers(address: string, options?: io.LoadOptions): io.IOHandler[] {
  return io.isHTTPScheme(address) ? [io.http(address, options)] : io.getLoadHandlers(address, options);
}
