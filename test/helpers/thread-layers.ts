/** Layers of one's own that hand on their input here, and in a worker thread do what threads must survive. */
import {isMainThread} from 'node:worker_threads';
import {clone, memory, serialization, tensor2d, type Tensor} from '@tensorflow/tfjs-core';
import {layers} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../../src/core/errors/unsupported-model-error.js';

/** What happens in the thread. */
export type Fate = 'nothing' | 'exit' | 'trap' | 'own error' | 'other error';

let hasTrapped = false;

const fates: Readonly<Record<Fate, () => void>> = {
  nothing: () => undefined,
  exit: () => process.exit(3),
  trap: () => {
    if (hasTrapped) process.exit(4);
    hasTrapped = true;
    throw new WebAssembly.RuntimeError('unreachable');
  },
  'own error': () => {
    throw new UnsupportedModelError('of our own');
  },
  'other error': () => {
    throw Object.assign(new Error('of theirs'), {name: 'TheirError'});
  },
};

/** A layer whose class has to be registered wherever its model is built. */
export class FatefulLayer extends layers.Layer {
  static readonly className: string = 'FatefulLayer';
  readonly #fate: Fate;

  constructor(config: {readonly fate: Fate; readonly name?: string}) {
    super(config as object);
    this.#fate = config.fate;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    if (!isMainThread) fates[this.#fate]();
    return clone([inputs].flat()[0] as Tensor);
  }

  override getConfig(): serialization.ConfigDict {
    return {...super.getConfig(), fate: this.#fate};
  }
}

/** Counts: its output `[N,2]` are the logits `[tensors / 1000, 0]`, of the thread where it runs. */
export class Census extends layers.Layer {
  static readonly className: string = 'Census';

  override computeOutputShape(): (number | null)[] {
    return [null, 2];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [{shape}] = [inputs].flat() as [Tensor];
    return tensor2d(Array.from({length: shape[0] as number}, () => [memory().numTensors / 1000, 0]));
  }
}

serialization.registerClass(FatefulLayer);
serialization.registerClass(Census);
