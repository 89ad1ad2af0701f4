/** How often something is tried: `AKD_EXTENT=whole` takes as many rounds as the promise names, otherwise a few. */
import {setting} from '../helpers/environment.js';

/** Returns the number of rounds. */
export function rounds(whole: number, few: number): number {
  return setting('AKD_EXTENT') === 'whole' ? whole : few;
}
