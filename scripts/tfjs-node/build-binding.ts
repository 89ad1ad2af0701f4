/**
 * Compiles the binding of tfjs-node from the source in its npm package, against the headers of the
 * Node on this machine. The binding uses Node-API only, so one build serves every later Node, and it
 * looks for its library beside itself.
 */
import {copyFileSync, existsSync, mkdirSync, realpathSync, renameSync, symlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {npm, run} from './command.js';
import {libraries} from './fetch-tensorflow.js';

/** The release of tfjs-node, which has to be that of tfjs-core. */
export const TFJS_NODE = '4.22.0';

/** The newest Node-API that this release knows, and with it the folder where it looks for the binding. */
export const NODE_API = 8;

/** Makes the file `binding`. Uses the folder `work`, which is empty. */
export function buildBinding(binding: string, tensorflow: string, work: string): void {
  npm(['pack', `@tensorflow/tfjs-node@${TFJS_NODE}`, '--loglevel=error', '--pack-destination', work], {
    what: `Downloading @tensorflow/tfjs-node ${TFJS_NODE} from the npm registry`,
    help: 'npm said:',
  });
  run('tar', ['-xzf', `tensorflow-tfjs-node-${TFJS_NODE}.tgz`], {cwd: work, what: 'Unpacking @tensorflow/tfjs-node', help: 'tar said:'});
  const source = join(work, 'package');
  mkdirSync(join(source, 'deps/lib'), {recursive: true});
  symlinkSync(join(tensorflow, 'include'), join(source, 'deps/include'));
  for (const name of libraries) symlinkSync(join(tensorflow, 'lib', name), join(source, 'deps/lib', name));
  // The names that its build asks for: there the C interface is a library apart.
  symlinkSync(libraries[0], join(source, 'deps/lib/libtensorflow.so'));
  symlinkSync(libraries[1], join(source, 'deps/lib/libtensorflow_framework.so'));

  const variables = ['--module_name=tfjs_binding', `--module_path=${join(source, 'lib')}`, `--napi_build_version=${NODE_API}`];
  const headers = nodeHeaders();
  const [command, ...first] = nodeGyp();
  run(command, [...first, 'rebuild', ...variables, ...(headers === undefined ? [] : [`--nodedir=${headers}`])], {
    cwd: source,
    // Under `npm run --silent` it would not say what is missing.
    env: {npm_config_loglevel: 'warn'},
    what: 'Compiling',
    help: `It needs make, a C++ compiler and Python 3 (Debian: apt-get install build-essential python3)${
      headers === undefined ? ", and Node's headers, which were not found on this machine and not to be had from nodejs.org" : ''
    }. node-gyp said:`,
  });
  // Under its own name only when it is complete.
  copyFileSync(join(source, 'build/Release/tfjs_binding.node'), join(work, 'tfjs_binding.node'));
  renameSync(join(work, 'tfjs_binding.node'), binding);
}

/** node-gyp, which comes with npm; npm tells its scripts where it is. */
function nodeGyp(): [command: string, ...args: string[]] {
  const own = process.env['npm_config_node_gyp'];
  return own === undefined ? ['node-gyp'] : [process.execPath, own];
}

/** The folder above `include/node`: of npm's setting, or of this Node. Without one node-gyp downloads them. */
function nodeHeaders(): string | undefined {
  const installed = dirname(dirname(realpathSync(process.execPath)));
  const candidates = [process.env['npm_config_nodedir'], installed].filter((folder) => folder !== undefined && folder !== '');
  return candidates.find((folder) => existsSync(join(folder as string, 'include/node/node_api.h')));
}
