/** The backend that was chosen: by `setBackend`, or by tfjs when it first had to compute. */
import {engine, getBackend, ready} from '@tensorflow/tfjs-core';

/** Its name, as soon as it has started; undefined where none is in use, whatever was imported. */
export async function backendInUse(): Promise<string | undefined> {
  // Null as long as nobody has chosen, whatever the declared type says.
  const chosen = getBackend() as string | null | undefined;
  if (chosen == null) return undefined;
  // The choice may still be on its way. If it fails, tfjs takes another one: nobody's choice.
  if (!(chosen in engine().registry)) await ready().catch(() => undefined);
  return getBackend() === chosen && chosen in engine().registry ? chosen : undefined;
}
