/** Where tests run, and what was set from outside. */

/** Whether this is a browser. */
export const inBrowser: boolean = typeof document !== 'undefined';

/** Whether every operation takes milliseconds: a GPU's backend, which in tests has no GPU. */
export const onGpuBackend: boolean = /^webg/.test(setting('AKD_BACKEND') ?? '');

const isWhole = setting('AKD_EXTENT') === 'whole';

/**
 * What a test takes of many stored cases: all, or the first alone where each takes seconds.
 * `AKD_EXTENT=whole` takes all of them everywhere.
 */
export function casesWhere<T>(isSlow: boolean, all: readonly T[]): readonly T[] {
  return isSlow && !isWhole ? all.slice(0, 1) : all;
}

/** How often something is tried: `AKD_EXTENT=whole` takes as many rounds as a promise names, otherwise a few. */
export function rounds(whole: number, few: number): number {
  return isWhole ? whole : few;
}

/** Milliseconds that a long test may take. */
export const patience: number = isWhole ? 1_800_000 : 240_000;

/** A variable of the environment; the configuration of the browsers hands over those of Node. */
export function setting(name: string): string | undefined {
  return import.meta.env[name];
}
