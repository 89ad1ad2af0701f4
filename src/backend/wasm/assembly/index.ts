/** What the module offers. It works on the memory of tfjs' wasm backend and owns none. */
export {channelAffine, channelSquares, channelSums} from './channels';
export {depthwiseFilterGradient, depthwiseInputGradient} from './depthwise';
export {adamStep, gateSlope, momentumStep} from './elementwise';
export {filterGradient, filterGradientScratch} from './filter-gradient';
export {inputGradient, inputGradientScratch} from './input-gradient';
