export {loadLayersModelFromFiles} from '../data/load-layers-model.js';
export {fileModelHandler} from '../data/model-files.js';
