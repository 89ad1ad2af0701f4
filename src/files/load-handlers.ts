/**
 * What tfjs loads from an address with. Its handler of the web puts itself into tfjs' list when its module is evaluated, but nothing
 * names that module, and Rolldown, with which Vite bundles, leaves it out: so it is named here.
 */
import {io} from '@tensorflow/tfjs-core';

/**
 * Returns the handlers for an address; none where no scheme fits.
 *
 * @param url With a scheme.
 * @param options Of downloads.
 */
export function loadHandlersFor(url: string, options?: io.LoadOptions): io.IOHandler[] {
  const known = io.getLoadHandlers(url, options);
  return known.length === 0 && /^https?:\/\//i.test(url) ? [io.http(url, options)] : known;
}
