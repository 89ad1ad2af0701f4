/** Frees what calls have made. */
import {Tensor} from '@tensorflow/tfjs-core';
import {LayersModel} from '@tensorflow/tfjs-layers';
import {isPlain} from './calls.js';

/** Frees what a call has returned: tensors, models, explainers. */
export function free(value: unknown): void {
  if (value instanceof LayersModel) value.dispose();
  else if (isPlain(value) && value['model'] instanceof LayersModel && 'trainingMode' in value) (value['model'] as LayersModel).dispose();
  else if (
    typeof value === 'object' &&
    value !== null &&
    ('explain' in value || 'logits' in value || 'executor' in value) &&
    'dispose' in value
  )
    (value as {dispose(): void}).dispose();
  else freeTensors(value);
}

/** Frees the tensors in a value, but for those that are kept. */
export function freeTensors(value: unknown, kept: readonly unknown[] = [], depth = 0): void {
  if (kept.includes(value)) return;
  if (value instanceof Tensor) {
    if (!value.isDisposed) value.dispose();
  } else if (depth < 3 && (Array.isArray(value) || isPlain(value))) {
    for (const each of Object.values(value)) freeTensors(each, kept, depth + 1);
  }
}
