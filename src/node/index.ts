export {loadGraphModelFromFiles, type LoadedGraphModel} from '../files/load-graph-model.js';
export {loadLayersModelFromFiles} from '../files/load-layers-model.js';
export {fileModelHandler} from '../files/model-files.js';
export {decodeImage, type DecodeImageOptions} from './decode-image.js';
export {imageFolder, type ImageFolder, type ImageFolderOptions} from './image-folder.js';
export type {LabelSource} from './list-images.js';
export {pictureSheet, type PictureCell, type PictureRow, type PictureSheetOptions} from './picture-sheet.js';
export {setUpWebGPUInNode, type WebGPUInNode, type WebGPUInNodeOptions} from './set-up-webgpu.js';
export {writePng} from './write-png.js';
