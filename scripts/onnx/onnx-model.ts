/**
 * Writes small models in ONNX's format: enough of its protocol buffers (onnx.proto, version 8 of the format, operators of
 * version 13) for the tests and examples, so that no such file has to be kept.
 */

/** A node of the graph. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Whole numbers, or lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A model with one input and one output, float32. */
export interface OnnxModel {
  readonly input: {readonly name: string; readonly shape: readonly (number | string)[]};
  readonly output: {readonly name: string; readonly shape: readonly (number | string)[]};
  readonly nodes: readonly OnnxNode[];
  readonly weights: Readonly<Record<string, {readonly shape: readonly number[]; readonly values: ArrayLike<number>}>>;
}

const FLOAT = 1;
const [INT_TYPE, INTS_TYPE] = [2, 7];

/** The bytes of a model's file. */
export function onnxFile({input, output, nodes, weights}: OnnxModel): Uint8Array {
  const graph = [
    ...nodes.flatMap((node) => message(1, nodeBytes(node))),
    ...text(2, 'graph'),
    ...Object.entries(weights).flatMap(([name, {shape, values}]) => {
      const raw = new Uint8Array(Float32Array.from(values).buffer);
      return message(5, [...shape.flatMap((size) => number(1, size)), ...number(2, FLOAT), ...text(8, name), ...message(9, [...raw])]);
    }),
    ...message(11, valueBytes(input)),
    ...message(12, valueBytes(output)),
  ];
  return Uint8Array.from([...number(1, 8), ...message(7, graph), ...message(8, [...text(1, ''), ...number(2, 13)])]);
}

function nodeBytes({op, inputs, output, attributes = {}}: OnnxNode): number[] {
  const encoded = Object.entries(attributes).flatMap(([name, value]) =>
    message(
      5,
      typeof value === 'number'
        ? [...text(1, name), ...number(3, value), ...number(20, INT_TYPE)]
        : [...text(1, name), ...value.flatMap((each) => number(8, each)), ...number(20, INTS_TYPE)],
    ),
  );
  return [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(3, output), ...text(4, op), ...encoded];
}

function valueBytes({name, shape}: OnnxModel['input']): number[] {
  const dims = shape.flatMap((size) => message(1, typeof size === 'number' ? number(1, size) : text(2, size)));
  return [...text(1, name), ...message(2, message(1, [...number(1, FLOAT), ...message(2, dims)]))];
}

function number(field: number, value: number): number[] {
  return [...varint(field << 3), ...varint(value)];
}

function message(field: number, bytes: readonly number[]): number[] {
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
}

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}
