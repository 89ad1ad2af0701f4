/**
 * Runs shaders of this library on the WebGPU backend: in its queue, on its buffers, beside its own programs. Its program
 * interface gives a shader one array to write; here a shader may write several, and change what it has written before.
 * The backend is an optional package, so nothing of it is imported: what is called of it stands in {@link WebgpuBackend}.
 */
import {util, type DataId, type DataType, type TensorInfo} from '@tensorflow/tfjs-core';

interface Pipeline {
  readonly label: string;
}

interface Device {
  readonly limits: {readonly maxComputeWorkgroupsPerDimension: number};
  createShaderModule(options: {code: string; label: string}): object;
  createComputePipeline(options: {compute: {module: object; entryPoint: string}; layout: 'auto'; label: string}): Pipeline;
}

type Uniform = {readonly type: 'int32' | 'float32'; readonly data: number[]};

/** As much of tfjs' WebGPU backend as is touched here; some of it is private. */
export interface WebgpuBackend {
  readonly device: Device;
  readonly tensorMap: {get(id: DataId): {readonly dtype: DataType; values: unknown}};
  makeTensorInfo(shape: number[], dtype: DataType): TensorInfo;
  disposeData(id: DataId): boolean;
  uploadToGPU(id: DataId): void;
  recordAndSubmit(program: object, output: TensorInfo, inputs: TensorInfo[], uniforms: Uniform[]): void;
}

/** A compute shader over arrays of float32; {@link runShader} hands it no others. */
export interface Shader {
  /** Names it among all of them; two shaders of one name are the same. */
  readonly name: string;
  /** The arrays that it writes, at least one; it may read them as well. */
  readonly writes: readonly string[];
  /** The arrays that it only reads. */
  readonly reads: readonly string[];
  /** The one of them that holds int32. */
  readonly whole?: string;
  /** Its numbers. In the body they are `uniforms.NAME`; the length of an array is `uniforms.NAMESize`. */
  readonly integers?: readonly string[];
  readonly floats?: readonly string[];
  /** Constants, functions and the memory of a workgroup. */
  readonly declarations?: string;
  /** What a thread does: it knows its `index`, its workgroup `group` and its place in that, `lane`. */
  readonly body: string;
}

/** Threads in a workgroup. */
export const GROUP_SIZE = 64;

/** What a shader runs on. */
export interface Run {
  /** By name: what is written and what is read; the same array must not be both. */
  readonly arrays: Readonly<Record<string, TensorInfo>>;
  readonly numbers?: Readonly<Record<string, number>>;
  /** At least that many threads run; the last group may have more. */
  readonly threads: number;
}

const pipelines = new WeakMap<Device, Map<string, Pipeline>>();

/** Puts a run of a shader into the backend's queue. */
export function runShader(backend: WebgpuBackend, shader: Shader, {arrays, numbers = {}, threads}: Run): void {
  const {name, writes, reads, integers = [], floats = []} = shader;
  const flat = [...writes, ...reads].map((key) => flattened(arrays[key], `${name}: ${key}`));
  const made: TensorInfo[] = [];
  for (const [at, info] of flat.entries()) {
    backend.uploadToGPU(info.dataId);
    // A tensor that was cast from int32 or bool shares its values, which are still whole numbers.
    if (shader.whole !== undefined || backend.tensorMap.get(info.dataId).dtype === 'float32') continue;
    const converted = makeArray(backend, info.shape);
    runShader(backend, asFloats, {arrays: {floats: converted, numbers: info}, threads: info.shape[0] as number});
    made.push(converted);
    flat[at] = converted;
  }
  const uniform =
    (type: Uniform['type']) =>
    (key: string): Uniform => ({type, data: [numbers[key] as number]});
  const program = new AttentiveProgram(name, pipelineOf(backend.device, shader), groupsOf(backend.device, threads));
  const [output, ...inputs] = flat as [TensorInfo, ...TensorInfo[]];
  backend.recordAndSubmit(program, output, inputs, [...integers.map(uniform('int32')), ...floats.map(uniform('float32'))]);
  // The backend keeps values that were read once; what is changed in place has others now.
  for (const {dataId} of flat.slice(0, writes.length)) backend.tensorMap.get(dataId).values = null;
  freeArrays(backend, ...made);
}

const asFloats: Shader = {
  name: 'asFloats',
  writes: ['floats'],
  reads: ['numbers'],
  whole: 'numbers',
  body: 'if (index < uniforms.floatsSize) { floats[index] = f32(numbers[index]); }',
};

/** Makes an array for a shader to write; the caller's, who hands it on or gives it to {@link freeArrays}. */
export function makeArray(backend: WebgpuBackend, shape: readonly number[]): TensorInfo {
  return backend.makeTensorInfo([...shape], 'float32');
}

/** Frees arrays as soon as the shaders in the queue have run. */
export function freeArrays(backend: WebgpuBackend, ...infos: readonly TensorInfo[]): void {
  for (const {dataId} of infos) backend.disposeData(dataId);
}

/** What the backend records; its profiler shows the name of the class. */
class AttentiveProgram {
  constructor(
    readonly name: string,
    readonly pipeline: Pipeline,
    readonly dispatch: readonly [number, number, 1],
  ) {}
}

function flattened(info: TensorInfo | undefined, what: string): TensorInfo {
  if (info?.dtype !== 'float32') throw new TypeError(`${what} must be a float32 tensor, but is ${info?.dtype ?? 'missing'}.`);
  return {dataId: info.dataId, dtype: info.dtype, shape: [util.sizeFromShape(info.shape)]};
}

function groupsOf({limits}: Device, threads: number): [number, number, 1] {
  const groups = Math.ceil(threads / GROUP_SIZE);
  const across = Math.min(groups, limits.maxComputeWorkgroupsPerDimension);
  return [across, Math.ceil(groups / across), 1];
}

function pipelineOf(device: Device, shader: Shader): Pipeline {
  const known = pipelines.get(device) ?? new Map<string, Pipeline>();
  pipelines.set(device, known);
  let pipeline = known.get(shader.name);
  if (pipeline === undefined) {
    const module = device.createShaderModule({code: sourceOf(shader), label: shader.name});
    pipeline = device.createComputePipeline({compute: {module, entryPoint: 'main'}, layout: 'auto', label: shader.name});
    known.set(shader.name, pipeline);
  }
  return pipeline;
}

/** The backend puts NaN, infinity, and the size and a stride of each array in front of the uniforms, the written first one last. */
function sourceOf({writes, reads, whole, integers = [], floats = [], declarations = '', body}: Shader): string {
  const names = [...writes, ...reads];
  const sizes = [...names.slice(1), ...names.slice(0, 1)].flatMap((name) => [`${name}Size: i32`, `${name}Stride: i32`]);
  const fields = [
    'nan: f32',
    'infinity: f32',
    ...sizes,
    ...integers.map((name) => `${name}: i32`),
    ...floats.map((name) => `${name}: f32`),
  ];
  const arrays = names.map((name, binding) => {
    const access = binding < writes.length ? 'read_write' : 'read';
    return `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${name === whole ? 'i32' : 'f32'}>;`;
  });
  return `
    struct Uniforms {${fields.join(', ')}};
    ${arrays.join('\n')}
    @group(0) @binding(${names.length}) var<uniform> uniforms: Uniforms;
    ${declarations}
    @compute @workgroup_size(${GROUP_SIZE})
    fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
            @builtin(local_invocation_index) localIndex: u32) {
      let group = i32(groupId.y * groups.x + groupId.x);
      let lane = i32(localIndex);
      let index = group * ${GROUP_SIZE} + lane;
      ${body}
    }`;
}
