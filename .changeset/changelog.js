/** Lines of the changelog as they are written in the changesets, without marks of commits. */
export async function getReleaseLine({summary}) {
  const lines = summary.trim().split('\n');
  return lines.map((line) => (line.startsWith('- ') || line.startsWith('  ') ? line : `- ${line}`)).join('\n');
}

/** The package has no neighbours whose versions move with its own. */
export async function getDependencyReleaseLine() {
  return '';
}
