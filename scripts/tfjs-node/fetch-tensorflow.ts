/**
 * TensorFlow's C library out of its Python package. The binding of tfjs-node 4.22 is written for the C
 * interface of TensorFlow 2.9, which later releases keep; 2.12.1 is the first complete one after it
 * whose package holds that interface as a library of its own, without Python (libtensorflow_cc).
 */
import {mkdirSync, readdirSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Failure, run} from './command.js';

/** The release of TensorFlow. */
export const TENSORFLOW = '2.12.1';

/** What the binding is linked with, and what they need of each other. */
export const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

// The wheel for CPython 3.9 on Linux; the part that is used is the same in the wheel of every Python.
const wheel = {python: '39', platform: 'manylinux2014_x86_64', sha256: 'a96de2e8d716360d5c9ecdc7de64db198dd6332caa48063ba32e934d6b0548a0'};
const wanted = ['tensorflow/libtensorflow_', 'tensorflow/include/tensorflow/c/', 'tensorflow/include/tensorflow/core/platform/', 'tensorflow/include/tensorflow/tsl/'];

const unzip = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(tuple(sys.argv[3:]))])`;

/** Makes `folder` with `lib` and `include`, all of it or nothing. Uses the folder `work`, which is empty. */
export function fetchTensorflow(folder: string, work: string): void {
  const python = findPython();
  const requirements = join(work, 'requirements.txt');
  writeFileSync(requirements, `tensorflow-cpu==${TENSORFLOW} --hash=sha256:${wheel.sha256}\n`);
  const target = ['--platform', wheel.platform, '--python-version', wheel.python, '--implementation', 'cp'];
  const patience = ['--retries', '2', '--timeout', '30', '--no-input', '--disable-pip-version-check'];
  run(python, ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', ...target, ...patience, '--require-hashes', '--dest', work, '-r', requirements], {
    what: `Downloading tensorflow-cpu ${TENSORFLOW} from PyPI`,
    help: 'pip said:',
    show: true,
  });
  const file = readdirSync(work).find((name) => name.endsWith('.whl')) as string;
  run(python, ['-c', unzip, join(work, file), work, ...wanted], {what: 'Unpacking tensorflow-cpu', help: 'Python said:'});
  const tensorflow = join(work, 'tensorflow');
  mkdirSync(join(tensorflow, 'lib'));
  for (const name of libraries) renameSync(join(tensorflow, name), join(tensorflow, 'lib', name));
  renameSync(tensorflow, folder);
}

/** A Python with pip. */
function findPython(): string {
  for (const name of [process.env['PYTHON'], 'python3', 'python']) {
    if (name === undefined) continue;
    try {
      run(name, ['-m', 'pip', '--version'], {what: name, help: ''});
      return name;
    } catch {
      continue;
    }
  }
  throw new Failure('Python 3 with pip is needed, to fetch TensorFlow and to compile (Debian: apt-get install python3-pip).');
}
