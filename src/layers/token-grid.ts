/** Tokens as a feature map and back: what lets a CBAM act on a transformer. */
import {concat, reshape, slice, tidy, type Tensor, type Tensor3D} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {at} from '../core/at.js';
import {boolean, required} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {nameField, readLayerConfig, sizeField} from './layer-config.js';

/** Options of {@link TokensToGrid}. */
export interface TokensToGridConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /** `[height, width]` of the grid. @default none */
  readonly size: readonly [number, number];
  /** Whether the first token belongs to no patch, and is left out. @default none */
  readonly classToken: boolean;
}

/** The options of {@link TokensToGrid}. */
export const tokensToGridSchema: OptionsSchema<Settled<TokensToGridConfig, 'name'>> = {
  where: 'TokensToGrid',
  fields: {name: nameField, size: required(sizeField), classToken: required(boolean())},
};

type Base = ConstructorParameters<typeof layers.Layer>[0];

/** `[N,T,D]` to `[N,h,w,D]`; T is `h · w`, or one more. */
export class TokensToGrid extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveTokensToGrid';
  /** Rows and columns of the grid. */
  readonly size: readonly [number, number];
  /** Whether the first token is none of the image, and left out. */
  readonly classToken: boolean;

  constructor(config: TokensToGridConfig) {
    const {size, classToken} = readLayerConfig(tokensToGridSchema, config);
    super(config as unknown as Base);
    this.size = size;
    this.classToken = classToken;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() =>
      gridOfTokens(at([inputs].flat(), 0) as Tensor3D, {height: this.size[0], width: this.size[1], classToken: this.classToken}),
    );
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , width] = inputShape as Shape;
    return [batch ?? null, ...this.size, width ?? null];
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    return {...super.getConfig(), size: [...this.size], classToken: this.classToken};
  }
}

/** Options of {@link GridToTokens}. */
export interface GridToTokensConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
}

/** The options of {@link GridToTokens}. */
export const gridToTokensSchema: OptionsSchema<Settled<GridToTokensConfig, 'name'>> = {where: 'GridToTokens', fields: {name: nameField}};

/** `[N,h,w,D]` and the tokens `[N,T,D]` that it came from, to `[N,T,D]`: the token of the class passes by unchanged. */
export class GridToTokens extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveGridToTokens';

  constructor(config: GridToTokensConfig = {}) {
    readLayerConfig(gridToTokensSchema, config);
    super(config as unknown as Base);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [grid, tokens] = inputs as [Tensor, Tensor3D];
      const [count, all, width] = tokens.shape;
      const patches = reshape(grid, [count, -1, width]) as Tensor3D;
      return patches.shape[1] === all ? patches : concat([slice(tokens, [0, 0, 0], [-1, 1, -1]), patches], 1);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return (inputShape as Shape[])[1] as Shape;
  }
}

/** Tokens as a feature map `[N,h,w,D]`; to be called inside `tidy`. */
export function gridOfTokens(
  tokens: Tensor3D,
  {height, width, classToken}: {readonly height: number; readonly width: number; readonly classToken: boolean},
): Tensor {
  const [count, , channels] = tokens.shape;
  const patches = classToken ? slice(tokens, [0, 1, 0], [-1, -1, -1]) : tokens;
  return reshape(patches, [count, height, width, channels]);
}
