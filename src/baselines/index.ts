export {randomMap, type RandomMapOptions} from './random-map.js';
