/** Tells from its name that an adapter computes on the processor: wasm does the same faster. */
const software = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bcpu\b/i;

/** Whether this is the name of a renderer without a GPU. */
export function isSoftwareAdapter(name: string): boolean {
  return software.test(name);
}
