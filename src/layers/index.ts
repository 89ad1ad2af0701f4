export {AttentionDelta, type AttentionDeltaConfig, type DeltaMode} from './attention-delta.js';
export {BilinearResize, type BilinearResizeConfig} from './bilinear-resize.js';
export {CBAM, type CBAMConfig} from './cbam.js';
export {ChannelAttention, type ChannelAttentionConfig} from './channel-attention.js';
export {type Compilable, type CompiledRun, type OwnTensor} from './compiled-form.js';
export {registerLayers} from './register-layers.js';
export {SpatialAttention, type SpatialAttentionConfig} from './spatial-attention.js';
export {GridToTokens, TokensToGrid, type GridToTokensConfig, type TokensToGridConfig} from './token-grid.js';
export {UpsampleBlock, type BorderMode, type UpsampleBlockConfig} from './upsample-block.js';
