/** What makes a LIME explanation doubtful before one has looked at it. */

// The rule of thumb of LIME's authors.
const SAMPLES_PER_SEGMENT = 10;
// As many as `limeMask` marks unless told otherwise.
const SHOWN_FEATURES = 5;

/**
 * Lists the doubts: fewer than 10 samples per segment, and so few segments that those in the
 * explanation are most of the image.
 */
export function limeWarnings(
  numSegments: number,
  {numSamples, numFeatures}: {readonly numSamples: number; readonly numFeatures: number},
): string[] {
  const warnings: string[] = [];
  const wanted = SAMPLES_PER_SEGMENT * numSegments;
  if (numSamples < wanted) {
    warnings.push(
      `${numSamples} samples are few for ${numSegments} segments: another seed may give other weights. Take numSamples: ${wanted}, or larger segments.`,
    );
  }
  const shown = Number.isFinite(numFeatures) ? numFeatures : SHOWN_FEATURES;
  if (numSegments < 2 * shown) {
    warnings.push(
      `${numSegments} segments are few when ${shown} of them are shown: they cover most of the image. Cut it finer (segmenter: 'slic' or 'grid', or quickshift with a smaller kernelSize).`,
    );
  }
  return warnings;
}
