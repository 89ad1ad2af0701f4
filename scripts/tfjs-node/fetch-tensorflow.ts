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

/** TensorFlow for the processor alone, and the one that computes on NVIDIA's GPUs as well. */
export const distributions = {
  cpu: {
    name: 'tensorflow-cpu',
    sha256: 'a96de2e8d716360d5c9ecdc7de64db198dd6332caa48063ba32e934d6b0548a0',
    size: '232 MB to fetch, 580 MB to keep',
  },
  gpu: {
    name: 'tensorflow',
    sha256: '4856c8e3f45df4dd7bc1f47cdf275bdb759895d386141d8234f4d83f58707db7',
    size: '586 MB to fetch, 1.1 GB to keep',
  },
} as const;

/** Which of them. */
export type Variant = keyof typeof distributions;

// The wheels for CPython 3.9 on Linux; the part that is used is the same in the wheel of every Python.
const python39 = ['--platform', 'manylinux2014_x86_64', '--python-version', '39', '--implementation', 'cp'];
const wanted = [
  'tensorflow/libtensorflow_',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tensorflow/tsl/',
];

const unzip = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(tuple(sys.argv[3:]))])`;

/** Makes `folder` with `lib` and `include`, all of it or nothing. Uses the folder `work`, which is empty. */
export function fetchTensorflow(variant: Variant, folder: string, work: string): void {
  const {name, sha256} = distributions[variant];
  const python = findPython();
  const requirements = join(work, 'requirements.txt');
  writeFileSync(requirements, `${name}==${TENSORFLOW} --hash=sha256:${sha256}\n`);
  const patience = ['--retries', '2', '--timeout', '30', '--no-input', '--disable-pip-version-check'];
  run(
    python,
    [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary',
      ':all:',
      ...python39,
      ...patience,
      '--require-hashes',
      '--dest',
      work,
      '-r',
      requirements,
    ],
    {
      what: `Downloading ${name} ${TENSORFLOW} from PyPI`,
      help: 'pip said:',
      show: true,
    },
  );
  const file = readdirSync(work).find((each) => each.endsWith('.whl')) as string;
  run(python, ['-c', unzip, join(work, file), work, ...wanted], {what: `Unpacking ${name}`, help: 'Python said:'});
  const tensorflow = join(work, 'tensorflow');
  mkdirSync(join(tensorflow, 'lib'));
  for (const library of libraries) renameSync(join(tensorflow, library), join(tensorflow, 'lib', library));
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
