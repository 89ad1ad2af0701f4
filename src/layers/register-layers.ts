/** Makes the layers known to tfjs' model loader. Importing them does not: imports have no effects here. */
import {serialization} from '@tensorflow/tfjs-core';
import {AttentionDelta} from './attention-delta.js';
import {BilinearResize} from './bilinear-resize.js';
import {CBAM} from './cbam.js';
import {ChannelAttention} from './channel-attention.js';
import {registerKerasLayers} from './keras/register-keras-layers.js';
import {SpatialAttention} from './spatial-attention.js';
import {GridToTokens, TokensToGrid} from './token-grid.js';
import {UpsampleBlock} from './upsample-block.js';

/**
 * Registers every layer of this library with tfjs, so that `loadLayersModel` finds them in a saved
 * model. Safe to call more than once. `AttentiveDistiller` calls it itself.
 */
export function registerLayers(): void {
  for (const layer of [
    AttentionDelta,
    BilinearResize,
    CBAM,
    ChannelAttention,
    GridToTokens,
    SpatialAttention,
    TokensToGrid,
    UpsampleBlock,
  ]) {
    serialization.registerClass(layer as unknown as Parameters<typeof serialization.registerClass>[0]);
  }
  registerKerasLayers();
}
