/** Where tests run, and what was set from outside. */

/** Whether this is a browser. */
export const inBrowser: boolean = typeof document !== 'undefined';

/** Whether every operation takes milliseconds: a GPU's backend, which in tests has no GPU. */
export const onGpuBackend: boolean = /^webg/.test(setting('AKD_BACKEND') ?? '');

/** A variable of the environment; the configuration of the browsers hands over those of Node. */
export function setting(name: string): string | undefined {
  return import.meta.env[name];
}
