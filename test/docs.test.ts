/** What the pages say must be there: linked files, exported names, and examples that compile. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import ts from 'typescript';
import {beforeAll, describe, expect, test} from 'vitest';
import * as baselines from '../src/baselines/index.js';
import * as data from '../src/data/index.js';
import * as library from '../src/index.js';
import * as layers from '../src/layers/index.js';
import * as losses from '../src/losses/index.js';
import * as metrics from '../src/metrics/index.js';
import * as models from '../src/models/index.js';
import * as node from '../src/node/index.js';
import * as queue from '../src/queue/index.js';
import * as render from '../src/render/index.js';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Stands for what an example does not define itself; a name that it does define hides it. */
const prelude = `
  import type {Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
  import type {LayersModel} from '@tensorflow/tfjs-layers';
  import type * as library from 'attentive-distiller';
  declare global {
    const teacher: library.Teacher;
    const model: LayersModel;
    const distiller: library.AttentiveDistiller;
    const image: Tensor3D;
    const images: Tensor4D;
    const tensor: Tensor4D;
    const picture: library.DecodedImage;
    const map: library.SaliencyMap;
    const maps: readonly library.SaliencyMap[];
    const mask: readonly boolean[];
    const rows: readonly library.ComparisonRow[];
    const batches: library.TrainingBatches;
    const files: readonly string[];
    const load: (file: string) => Promise<Tensor4D>;
  }
`;

/** What a bundler makes of the address of a file. */
const addresses = `declare module '*?url' { const address: string; export default address; }`;

const fence = /^```(\w*)\n(.*?)^```$/gms;

interface Example {
  readonly page: string;
  /** Line of the page before the first of the example. */
  readonly line: number;
  readonly text: string;
}

function examplesOf(page: string): Example[] {
  const text = read(page);
  return [...text.matchAll(fence)]
    .filter(([, language]) => language === 'ts')
    .map((match) => ({page, line: text.slice(0, match.index).split('\n').length, text: match[2]!}));
}

/** The errors of all examples, type-checked as modules of one program with the settings of the project. */
function compileErrors(examples: readonly Example[]): string[] {
  const {config} = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {config: {compilerOptions: object}};
  const {options: own} = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const options: ts.CompilerOptions = {
    ...own,
    paths: {'attentive-distiller': [join(root, 'src/index.ts')], 'attentive-distiller/*': [join(root, 'src/*/index.ts')]},
    // Examples stop where the point is made, and are no declarations.
    ...{
      noUnusedLocals: false,
      noUnusedParameters: false,
      isolatedDeclarations: false,
      declaration: false,
      moduleDetection: ts.ModuleDetectionKind.Force,
    },
  };
  const preludePath = join(root, 'docs-prelude.ts');
  const addressesPath = join(root, 'docs-addresses.d.ts');
  const sources = new Map(examples.map((example, index) => [join(root, `docs-example-${index}.ts`), example]));
  const textOf = (path: string): string | undefined =>
    path === preludePath ? prelude : path === addressesPath ? addresses : sources.get(path)?.text;
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([preludePath, addressesPath, ...sources.keys()], options, {
    ...host,
    fileExists: (path) => textOf(path) !== undefined || host.fileExists(path),
    readFile: (path) => textOf(path) ?? host.readFile(path),
    getSourceFile: (path, version, ...rest) => {
      const text = textOf(path);
      return text === undefined ? host.getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version);
    },
  });
  return [preludePath, ...sources.keys()].flatMap((path) => {
    const source = program.getSourceFile(path)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({start = 0, messageText}) => {
      const {page, line} = sources.get(path) ?? {page: 'prelude', line: 0};
      return `${page}:${line + source.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** The anchors of a page's headings, as GitHub names them. */
function anchorsOf(page: string): string[] {
  const headings = read(page)
    .replace(fence, '')
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Whether a link leads somewhere; those out of the repository are not followed, and docs/api is made later. */
function isBroken(page: string, link: string): boolean {
  if (/^[a-z]+:/i.test(link)) return false;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (target.startsWith(join('docs', 'api'))) return false;
  if (!existsSync(join(root, target))) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
}

/** Names that can be called: what is exported, and the methods of exported classes. */
function callableNames(): Set<string> {
  const names = new Set<string>();
  for (const [name, value] of Object.entries(
    Object.assign({}, library, node, queue, layers, losses, models, data, metrics, baselines, render),
  )) {
    if (typeof value !== 'function') continue;
    names.add(name);
    // A function that is no class has no prototype of its own, or one without methods.
    for (const owner of [value, (value as {prototype?: object}).prototype ?? {}])
      for (const method of Object.getOwnPropertyNames(owner)) names.add(method);
  }
  return names;
}

describe('the documentation', () => {
  test.each(pages)('%s links to files and headings that exist', (page) => {
    const links = [
      ...read(page)
        .replace(fence, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map(([, link]) => link!);
    expect(links.filter((link) => isBroken(page, link))).toEqual([]);
  });

  test.each(pages)('%s names functions that are exported', (page) => {
    const known = callableNames();
    const spans = [
      ...read(page)
        .replace(fence, '')
        .matchAll(/`([^`\n]+)`/g),
    ].map(([, span]) => span!);
    // Not a method behind a dot, but what three dots spread.
    const called = spans.flatMap((span) => [...span.matchAll(/(?<!\w|[^.]\.)\b([A-Za-z]\w*)\(\)/g)].map(([, name]) => name!));
    expect(called.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each([
    ['docs/explainers.md', baselines],
    ['docs/metrics.md', metrics],
  ])('%s names everything of its folder', (page, exported) => {
    const text = read(page);
    expect(Object.keys(exported).filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  describe('shows examples', () => {
    const wrong = [
      "import {rise} from 'attentive-distiller';\nawait rise(image, teacher, {masks: 5});\n",
      "import {nothing} from 'attentive-distiller';\n",
    ];
    let errors: string[] = [];
    beforeAll(() => {
      const examples = pages.flatMap(examplesOf);
      expect(examples.length).toBeGreaterThan(20);
      errors = compileErrors([...examples, ...wrong.map((text) => ({page: 'wrong', line: 0, text}))]);
    });

    test('that compile', () => {
      expect(errors.filter((error) => !error.startsWith('wrong:'))).toEqual([]);
    });

    test('whose errors would be found', () => {
      expect(errors.filter((error) => error.startsWith('wrong:')).map((error) => error.slice(0, 8))).toEqual(['wrong:2:', 'wrong:1:']);
    });
  });
});
