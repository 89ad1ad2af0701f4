export {randomMap, type RandomMapOptions} from './random-map.js';
export {gridSegments, type GridOptions} from './superpixels/grid.js';
export {quickshift, type QuickshiftOptions} from './superpixels/quickshift.js';
export {relabelSegments, type LabelMap, type Segments} from './superpixels/segments.js';
export {slic, type SlicOptions} from './superpixels/slic.js';
