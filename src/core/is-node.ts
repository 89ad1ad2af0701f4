/** Whether this is Node.js, a worker thread of it included. */
export function isNode(): boolean {
  // Some bundlers put half a process into a page.
  return typeof process !== 'undefined' && typeof process.versions?.node === 'string';
}
