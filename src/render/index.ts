export {colorize, type ColorizeOptions} from './colorize.js';
export {colormapNames, type ColormapName} from './colormap.js';
export {draw, type DrawOptions} from './draw.js';
export {maskImage, type MaskImageOptions} from './mask-image.js';
export {outline, paint, type OutlineOptions} from './outline.js';
export {overlay, type OverlayOptions} from './overlay.js';
export {toRgba, type MapLike, type Rgb, type RgbaImage} from './pixels.js';
export {resizeMap} from './resize-map.js';
