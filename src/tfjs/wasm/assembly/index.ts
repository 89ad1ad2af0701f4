/** What the module offers. It works on the memory of tfjs' wasm backend and owns none. */
export {channelAffine, channelSquares, channelSums} from './channels';
export {convolution, convolutionScratch, packedSize, packFilter} from './convolution';
export {depthwiseGradient} from './depthwise';
export {adamStep, gateSlope, momentumStep} from './elementwise';
export {filterGradient, filterGradientScratch} from './filter-gradient';
export {copyRuns, maxFold, sumFold} from './fold';
export {inputGradient, inputGradientScratch} from './input-gradient';
export {maxPoolGradient} from './max-pool';
