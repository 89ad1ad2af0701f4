/** Which Keras has written a topology, as far as what its layers mean depends on it. */

/** A version of Keras. */
export interface KerasVersion {
  /** As the file gives it. */
  readonly text: string;
  readonly major: number;
  /** Whether bilinear enlarging shifts the image, as tf.layers does; `undefined` where both have been. */
  readonly shiftsBilinear: boolean | undefined;
}

/** The version in a topology; `undefined` for models that tf.layers has saved itself, or that say nothing. */
export function kerasVersion(topology: {readonly keras_version?: unknown}): KerasVersion | undefined {
  const text = topology.keras_version;
  if (typeof text !== 'string' || text.startsWith('tfjs')) return undefined;
  const [major = 0, minor = 0] = text.split('.').map((part) => Number.parseInt(part, 10));
  if (Number.isNaN(major)) return undefined;
  // TensorFlow 2 brought half-pixel centres; Keras on its own had to follow.
  const isRecent = major >= 3 || (major === 2 && (text.includes('tf') || minor >= 4));
  return {text, major, shiftsBilinear: isRecent ? false : major === 2 && minor === 3 ? undefined : true};
}
