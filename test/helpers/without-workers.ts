/** Results of a run with the option `workers`, to be compared with those of a run without it. */

/** Maps or scores without what they record of the option; whatever records nothing comes back as it is. */
export function withoutWorkers<T>(results: readonly T[]): T[] {
  return results.map((result) => {
    const {options, ...rest} = result as {options?: Readonly<Record<string, unknown>>};
    if (options === undefined) return result;
    return {...rest, options: Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'workers'))} as T;
  });
}
