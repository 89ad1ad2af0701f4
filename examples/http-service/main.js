/**
 * Explains pictures over HTTP. Two explanations are made at a time, in threads; a few more wait, and whoever comes on top is
 * sent away at once. A caller that leaves stops the work for it, whether it waits or has begun.
 *
 *     npm start [-- the folder of a model]
 *
 *     POST /explain?method=rise&target=2    with a picture; answers with the overlay, or the numbers for Accept: application/json
 *     GET /status
 */
import {once} from 'node:events';
import {createServer} from 'node:http';
import {disposeWorkers, gradCam, lime, loadTeacher, overlay, rise, selectBackend} from 'attentive-distiller';
import {decodeImage} from 'attentive-distiller/node';
import PQueue from 'p-queue';
import sharp from 'sharp';
import {layersModel} from '../sample/layers-model.js';
import {COLOURS} from '../sample/squares.js';
import {writeFiles} from '../sample/write-files.js';

const {PORT = '8080'} = process.env;
const AT_A_TIME = 2;
const WAITING = 4;
const MAX_BYTES = 10e6;
const MAX_MASKS = 100_000;

// The threads run wasm, and leave this one free to answer.
await selectBackend({prefer: ['wasm']});
const [folder] = process.argv.slice(2);
const teacher = await (folder === undefined
  ? loadTeacher(await writeFiles('out/model', layersModel()), {preprocessing: 'unit', labels: COLOURS})
  : loadTeacher(folder, {preprocessing: 'tf'}));

const methods = {
  'grad-cam': (picture, {target, signal}) => gradCam(picture, teacher, {target, signal}),
  lime: (picture, {target, signal}) => lime(picture, teacher, {target, signal, workers: AT_A_TIME}),
  rise: (picture, {target, signal, masks}) => rise(picture, teacher, {target, signal, numMasks: masks, workers: AT_A_TIME}),
};

const queue = new PQueue({concurrency: AT_A_TIME});
let [running, explained, left] = [0, 0, 0];

/** An answer that is no explanation. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (response.destroyed) return;
    // What the caller has sent: a class that does not exist, a picture that is none.
    const isTheirs = error instanceof TypeError || error instanceof RangeError || error.name === 'ModelFileError';
    if (!isTheirs && !(error instanceof Refusal)) console.error(error);
    response.setHeader('Connection', 'close');
    if (error.status === 503) response.setHeader('Retry-After', '5');
    send(response, error.status ?? (isTheirs ? 400 : 500), {error: error.message});
  });
});

async function answer(request, response) {
  const {pathname, searchParams} = new URL(request.url, 'http://localhost');
  if (pathname === '/status') return send(response, 200, {running, waiting: queue.size, explained, left});
  if (pathname !== '/explain' || request.method !== 'POST') throw new Refusal(404, 'POST a picture to /explain.');

  const explain = methods[searchParams.get('method') ?? 'grad-cam'];
  if (explain === undefined) throw new Refusal(400, `method must be one of ${Object.keys(methods).join(', ')}.`);
  const masks = Math.min(Number(searchParams.get('masks') ?? 2000), MAX_MASKS);
  const target = searchParams.has('target') ? Number(searchParams.get('target')) : 'argmax';
  if (queue.size >= WAITING) throw new Refusal(503, 'Too many explanations are waiting.');

  const leaving = new AbortController();
  response.once('close', () => {
    if (response.writableFinished) return;
    left++;
    leaving.abort(new Error('The caller has left.'));
  });
  const {signal} = leaving;
  const picture = await decodeImage(await bodyOf(request));
  const [map] = await queue.add(() => counted(explain(picture, {target, masks, signal})), {signal});
  if (request.headers.accept === 'application/json') {
    const {height, width, score} = map;
    return send(response, 200, {target: map.target, label: teacher.labels?.[map.target], score, height, width, data: [...map.data]});
  }
  const {data, width, height} = overlay(picture, map);
  const png = await sharp(data, {raw: {width, height, channels: 4}})
    .png()
    .toBuffer();
  response.writeHead(200, {'Content-Type': 'image/png', 'X-Class': String(map.target)}).end(png);
}

/** The queue forgets work that is aborted; this counts it until it has really stopped. */
async function counted(work) {
  running++;
  try {
    const maps = await work;
    explained++;
    return maps;
  } finally {
    running--;
  }
}

/** The body of a request, refused as soon as it is too large. */
async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Refusal(413, `A picture may have ${MAX_BYTES / 1e6} MB.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response, status, body) {
  response.writeHead(status, {'Content-Type': 'application/json'}).end(JSON.stringify(body));
}

server.listen(Number(PORT));
await once(server, 'listening');
const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
console.log(`POST a picture to http://localhost:${port}/explain`);

// The last answers are given before the process ends.
process.once('SIGTERM', async () => {
  server.close();
  await queue.onIdle();
  await disposeWorkers();
  teacher.dispose();
});
