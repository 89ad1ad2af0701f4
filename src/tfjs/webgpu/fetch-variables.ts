/** Brings weights to the backend in use from one that is about to end. */
import {backend, engine} from '@tensorflow/tfjs-core';

/** Moves every variable. tfjs does it by itself, but reads synchronously, which Node cannot on WebGPU. */
export async function fetchVariables(): Promise<void> {
  const target = backend();
  for (const variable of Object.values(engine().registeredVariables)) {
    await variable.data(); // the backend keeps what was read
    if (engine().state.tensorInfo.get(variable.dataId)?.backend !== target) engine().moveData(target, variable.dataId);
  }
}
