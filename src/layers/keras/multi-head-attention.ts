/** Attention of tokens to tokens, `[N,T,D]` (Vaswani et al. 2017), with the weights as Keras names and shapes them. */
import {add, matMul, mul, reshape, softmax, transpose, type Tensor} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {absentMeans, boolean, integer, required, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {firstShape, KerasLayer, knownSize} from './_keras-layer.js';

interface AttentionSettings {
  readonly name: string | undefined;
  readonly numHeads: number;
  readonly keyDim: number;
  /** @default keyDim */
  readonly valueDim: number | undefined;
  readonly useBias: boolean;
  /** Width of the result. @default that of the query */
  readonly outputDim: number | undefined;
}

const schema: OptionsSchema<AttentionSettings> = {
  where: 'KerasMultiHeadAttention',
  fields: {
    name: nameField,
    numHeads: required(integer(1)),
    keyDim: required(integer(1)),
    valueDim: absentMeans(integer(1), 'keyDim'),
    useBias: withDefault(boolean(), true),
    outputDim: absentMeans(integer(1), 'that of the query'),
  },
};

type Part = 'query' | 'key' | 'value' | 'attention_output';

/** Called with query and value, or with query, value and key; each `[N,T,D]`. */
export class KerasMultiHeadAttention extends KerasLayer<AttentionSettings> {
  static className = 'KerasMultiHeadAttention';

  constructor(config: object) {
    super(schema, config);
  }

  override build(inputShape: Shape | Shape[]): void {
    const [query, value = query, key = value] = (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as [Shape, Shape?, Shape?];
    if (query.length !== 3)
      throw new RangeError(`${this.name} attends to tokens [N,T,D], but its query is [${query.map((size) => size ?? '?').join(', ')}].`);
    const {numHeads, keyDim, valueDim = keyDim, outputDim = knownSize(this.name, query, -1), useBias} = this.settings;
    const widths: Record<Part, [number[], number[]]> = {
      query: [
        [knownSize(this.name, query, -1), numHeads, keyDim],
        [numHeads, keyDim],
      ],
      key: [
        [knownSize(this.name, key, -1), numHeads, keyDim],
        [numHeads, keyDim],
      ],
      value: [
        [knownSize(this.name, value, -1), numHeads, valueDim],
        [numHeads, valueDim],
      ],
      attention_output: [[numHeads, valueDim, outputDim], [outputDim]],
    };
    for (const [part, [kernel, bias]] of Object.entries(widths)) {
      this.addFilled(`${part}/kernel`, kernel);
      if (useBias) this.addFilled(`${part}/bias`, bias);
    }
    super.build(inputShape);
  }

  protected override compute(query: Tensor, value: Tensor = query, key: Tensor = value): Tensor {
    const {keyDim} = this.settings;
    const [q, k, v] = [this.#heads('query', query), this.#heads('key', key), this.#heads('value', value)];
    const shares = softmax(mul(matMul(q, k, false, true), 1 / Math.sqrt(keyDim)));
    const mixed = transpose(matMul(shares, v), [0, 2, 1, 3]); // [N,T,heads,valueDim]
    const [count = 0, tokens = 0, heads = 0, width = 0] = mixed.shape;
    const kernel = this.#weight('attention_output', 'kernel');
    const flat = matMul(reshape(mixed, [count * tokens, heads * width]), reshape(kernel, [heads * width, -1]));
    return reshape(this.#biased('attention_output', flat), [count, tokens, -1]);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const query = firstShape(inputShape);
    return [...query.slice(0, -1), this.settings.outputDim ?? query.at(-1) ?? null];
  }

  /** `[N,T,D]` to `[N,heads,T,d]`. */
  #heads(part: Part, x: Tensor): Tensor {
    const kernel = this.#weight(part, 'kernel');
    const [width = 0, heads = 0, size = 0] = kernel.shape;
    const [count = 0, tokens = 0] = x.shape;
    const flat = this.#biased(part, matMul(reshape(x, [count * tokens, width]), reshape(kernel, [width, heads * size])));
    return transpose(reshape(flat, [count, tokens, heads, size]), [0, 2, 1, 3]);
  }

  #biased(part: Part, flat: Tensor): Tensor {
    return this.settings.useBias ? add(flat, reshape(this.#weight(part, 'bias'), [-1])) : flat;
  }

  #weight(part: Part, kind: 'kernel' | 'bias'): Tensor {
    const found = this.weights.find(({originalName}) => originalName.endsWith(`/${part}/${kind}`));
    if (found === undefined) throw new Error(`${this.name} has no weight ${part}/${kind}`);
    return found.read();
  }
}
