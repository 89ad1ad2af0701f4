/**
 * What a piece of work costs besides arithmetic: the operations that tfjs runs for it, by kind, the programs that a GPU
 * runs, and the bytes that go to the device and come back. It looks at inner parts of tfjs 4.22.
 */
import {engine, type DataId, type DataType, type TensorInfo} from '@tensorflow/tfjs-core';

/** What was counted. */
export interface Traffic {
  /** Operations by tfjs' name of the kernel; what goes through `customGrad` is not one, what it is made of is. */
  readonly kernels: Readonly<Record<string, number>>;
  /** Programs that ran on the GPU, by the name of their class; empty where no GPU is. */
  readonly programs: Readonly<Record<string, number>>;
  /** Bytes of each array that was sent to the device, in order. */
  readonly uploads: readonly number[];
  /** Bytes of each array that was read back. */
  readonly downloads: readonly number[];
}

/** Adds up. */
export function total(counts: Readonly<Record<string, number>> | readonly number[]): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

type Method = (...values: never[]) => unknown;

/**
 * Runs `work` on the backend in use and counts. It must not change the backend.
 *
 * @param isDry Counts on WebGPU without computing: no program runs, and what is read back is zeros. A GPU in software takes
 *   minutes for a step that is counted in a second.
 */
export async function trafficOf(work: () => unknown, isDry: boolean = false): Promise<Traffic> {
  const kernels: Record<string, number> = {};
  const programs: Record<string, number> = {};
  const uploads: number[] = [];
  const downloads: number[] = [];
  const restore: (() => void)[] = [];
  const watch = (owner: object, name: string, look: (...values: never[]) => void): void => {
    const methods = owner as Record<string, Method>;
    const original = methods[name];
    if (original === undefined) throw new Error(`tfjs has no ${name} here: what is counted has moved.`);
    const own = Object.hasOwn(owner, name);
    methods[name] = function (this: unknown, ...values: never[]): unknown {
      look(...values);
      return original.apply(this, values);
    };
    restore.push(() => {
      if (own) methods[name] = original;
      else Reflect.deleteProperty(owner, name);
    });
  };
  watch(engine(), 'runKernelFunc', ({kernelName}: {kernelName?: string}) => {
    if (kernelName !== undefined) count(kernels, kernelName);
  });
  if (isDry) restore.push(stopPrograms());
  watchDevice(watch, {programs, uploads, downloads});
  try {
    await work();
  } finally {
    for (const each of restore.reverse()) each();
  }
  return {kernels, programs, uploads, downloads};
}

interface Device {
  readonly programs: Record<string, number>;
  readonly uploads: number[];
  readonly downloads: number[];
}

interface Stored {
  readonly values?: ArrayLike<number> | null;
  readonly resource?: unknown;
  readonly texture?: unknown;
}

function watchDevice(watch: (owner: object, name: string, look: (...values: never[]) => void) => void, device: Device): void {
  const {backend, backendName} = engine();
  const {tensorMap, texData} = backend as unknown as Record<'tensorMap' | 'texData', {get(id: DataId): Stored | undefined}>;
  const sizeOf = ({values}: Stored): number => 4 * (values?.length ?? 0);
  if (backendName === 'webgpu') {
    watch(backend, 'uploadToGPU', (id: DataId) => {
      const stored = tensorMap.get(id) as Stored;
      if (stored.resource == null && stored.values != null) device.uploads.push(sizeOf(stored));
    });
    watch(backend, 'getBufferData', ({size}: {size: number}) => device.downloads.push(size));
    watch(backend, 'recordAndSubmit', (program: object) => count(device.programs, program.constructor.name));
  } else if (backendName === 'webgl') {
    watch(backend, 'uploadToGPU', (id: DataId) => {
      const stored = texData.get(id) as Stored;
      if (stored.texture == null && stored.values != null) device.uploads.push(sizeOf(stored));
    });
    watch(backend, 'runWebGLProgram', (program: object) => count(device.programs, program.constructor.name));
    watch(backend, 'read', (id: DataId) => {
      const stored = texData.get(id) as Stored & {shape: number[]};
      if (stored.values == null) device.downloads.push(4 * stored.shape.reduce((size, each) => size * each, 1));
    });
  } else {
    // The others take every array at once.
    watch(backend, 'write', (values: ArrayLike<number> | null) => {
      if (values != null) device.uploads.push(4 * values.length);
    });
    watch(backend, 'read', (id: DataId) => device.downloads.push(4 * (sizes(id) ?? 0)));
  }
}

interface Recorder {
  runWebGPUProgram(
    program: {outputShape: number[]},
    inputs: TensorInfo[],
    dtype: DataType,
    uniforms: unknown,
    output?: TensorInfo,
  ): TensorInfo;
  recordAndSubmit(program: object): void;
  uploadToGPU(id: DataId): void;
  makeTensorInfo(shape: number[], dtype: DataType): TensorInfo;
  getBufferData(buffer: {size: number}): Promise<ArrayBuffer>;
}

/** Leaves everything of the WebGPU backend but the programs. Returns what undoes it. */
function stopPrograms(): () => void {
  const backend = engine().backend as unknown as Recorder;
  const dry: Omit<Recorder, 'uploadToGPU' | 'makeTensorInfo'> = {
    runWebGPUProgram: (program, inputs, dtype, _uniforms, output = backend.makeTensorInfo(program.outputShape, dtype)) => {
      for (const {dataId} of [output, ...inputs]) backend.uploadToGPU(dataId);
      backend.recordAndSubmit(program);
      return output;
    },
    recordAndSubmit: () => undefined,
    getBufferData: ({size}) => Promise.resolve(new ArrayBuffer(size)),
  };
  Object.assign(backend, dry);
  return () => {
    for (const name of Object.keys(dry)) Reflect.deleteProperty(backend, name);
  };
}

/** The number of values under an identity, where the engine knows. */
function sizes(id: DataId): number | undefined {
  const known = engine().state.tensorInfo.get(id) as {shape: number[]} | undefined;
  return known?.shape.reduce((size, each) => size * each, 1);
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
