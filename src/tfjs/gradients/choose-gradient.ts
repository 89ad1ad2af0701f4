/** Puts another gradient beside that of tfjs, for where it fits; elsewhere tfjs' own is used. */
import {getGradient, registerGradient, type GradConfig} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';

type GradFunc = GradConfig['gradFunc'];

/** Does it once per process, and nothing where tfjs' own is not loaded. `fits` is asked at each pass back. */
export function chooseGradient(kernelName: string, fits: (...given: Parameters<GradFunc>) => boolean, gradFunc: GradFunc): void {
  const original = getGradient(kernelName) as GradConfig | undefined;
  if (original === undefined || isMarked(original.gradFunc)) return;
  const choose: GradFunc = (...given) => (fits(...given) ? gradFunc(...given) : original.gradFunc(...given));
  registerGradient({...original, gradFunc: mark(choose)});
}
