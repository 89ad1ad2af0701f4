/** What the module offers. It works on the memory of tfjs' wasm backend and owns none. */
export {channelAffine, channelSquares, channelSums} from './channels.ts';
export {convolution, convolutionScratch} from './convolution.ts';
export {depthwiseGradient} from './depthwise.ts';
export {adamStep, gateSlope, momentumStep} from './elementwise.ts';
export {filterGradient, filterGradientScratch} from './filter-gradient.ts';
export {copyRuns, maxFold, sumFold} from './fold.ts';
export {inputGradient, inputGradientScratch} from './input-gradient.ts';
