/**
 * The folders of src in the order of their imports: image, features, saliency, number. A folder may
 * import from itself and from folders earlier in this list, never from a later one.
 */
export const folders = [
  'core',
  'tfjs',
  'losses',
  'backend',
  'data',
  'layers',
  'files',
  'render',
  'models',
  'workers',
  'queries',
  'baselines',
  'metrics',
  'distiller',
  'report',
  'node',
  'queue',
  'cli',
];
