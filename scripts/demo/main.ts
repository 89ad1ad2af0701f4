/** Builds the demo and serves it: `npm run demo`, after a build. */
import {join} from 'node:path';
import {buildDemo} from './build-demo.js';
import {serveDemo} from './serve.js';

const PORT = 4173;

const out = join(import.meta.dirname, '../../out/demo');
buildDemo(out);
const {address} = await serveDemo(out, PORT);
console.log(`The demo is at ${address} until you press Ctrl-C.`);
