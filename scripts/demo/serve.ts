/** Serves a built demo below a path, isolated from other origins, so that WebAssembly has threads. */
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import sirv from 'sirv';
import {isolation} from '../../test/browser/chromium.js';

/** A server that runs. */
export interface DemoServer {
  /** The address of the page, with a slash at its end. */
  readonly address: string;
  close(): void;
}

/** Where the page lies on the server: not at its root, as on the documentation's site. */
const PATH = '/demo';

export async function serveDemo(folder: string, port: number): Promise<DemoServer> {
  const give = sirv(folder, {dev: true});
  const server: Server = createServer((request, response) => {
    for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value);
    const {url = '/'} = request;
    if (!url.startsWith(`${PATH}/`)) {
      response.writeHead(302, {Location: `${PATH}/`}).end();
      return;
    }
    request.url = url.slice(PATH.length);
    give(request, response, () => void response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {address: `http://localhost:${(server.address() as AddressInfo).port}${PATH}/`, close: () => server.close()};
}
