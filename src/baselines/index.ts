export {classActivationMap, classActivationMapExplainer, type ClassActivationMapOptions} from './cam/class-activation-map.js';
export {gradCam, gradCamExplainer, type GradCamOptions} from './cam/grad-cam.js';
export {scoreCam, scoreCamExplainer, type ScoreCamOptions} from './cam/score-cam.js';
export {type CamVariant} from './cam/variant.js';
export {type QuadratureRule} from './gradient/quadrature.js';
export {type ChannelReduction} from './gradient/channels.js';
export {gradientSaliency, gradientSaliencyExplainer, type GradientSaliencyOptions} from './gradient/gradient-saliency.js';
export {
  integratedGradients,
  integratedGradientsExplainer,
  type IntegratedGradientsMap,
  type IntegratedGradientsOptions,
} from './gradient/integrated-gradients.js';
export {smoothGrad, smoothGradExplainer, type SmoothGradOptions} from './gradient/smooth-grad.js';
export {type FeatureSelection} from './lime/feature-selection.js';
export {lime, limeExplainer, type LimeMap} from './lime/lime.js';
export {limeMask, limePicture, type LimeMaskInput, type LimeMaskOptions, type LimePictureOptions} from './lime/mask.js';
export {type LimeOptions, type SegmentFn, type Segmenter} from './lime/options.js';
export {gridSegments, type GridOptions} from './lime/superpixels/grid.js';
export {quickshift, type QuickshiftOptions} from './lime/superpixels/quickshift.js';
export {relabelSegments, type LabelMap, type Segments} from './lime/superpixels/segments.js';
export {slic, type SlicOptions} from './lime/superpixels/slic.js';
export {
  meaningfulPerturbation,
  meaningfulPerturbationExplainer,
  type MeaningfulPerturbationOptions,
} from './perturbation/meaningful-perturbation.js';
export {occlusion, occlusionExplainer, type OcclusionOptions} from './perturbation/occlusion.js';
export {randomExplainer, type RandomExplainerOptions} from './random/random-explainer.js';
export {randomMap, type RandomMapOptions} from './random/random-map.js';
export {drawMaskGrids, masksFromGrids, type MaskGridOptions, type MaskGrids} from './rise/masks.js';
export {type RiseOptions, type RiseVariant, type StableRule} from './rise/options.js';
export {rise, riseExplainer, type RiseMap} from './rise/rise.js';
