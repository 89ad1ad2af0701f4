/** The TypeScript examples of the README and of docs: where they are, and whether they compile. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import ts from 'typescript';
import {root} from './shipping/entries.js';

/** The pages that are read, relative to the root. */
export const docPages: readonly string[] = ['README.md', ...pagesOf('docs'), ...pagesOf('docs/methods')];

/** What stands between two fences; the first group is the language. */
export const fence: RegExp = /^```(\w*)\n(.*?)^```$/gms;

/** One example. */
export interface DocExample {
  readonly page: string;
  /** Line of the page before the first of the example. */
  readonly line: number;
  readonly text: string;
  /** Why it is compiled but not run: what `<!-- check: types only, REASON -->` says in the line before. */
  readonly typesOnly: string | undefined;
}

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

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** The examples of a page, in their order. */
export function examplesOf(page: string): DocExample[] {
  const text = readPage(page);
  return [...text.matchAll(fence)]
    .filter(([, language]) => language === 'ts')
    .map((match) => {
      const before = text.slice(0, match.index);
      const mark = /<!-- check: types only, ([^>]+?) -->\n$/.exec(before);
      return {page, line: before.split('\n').length, text: match[2] ?? '', typesOnly: mark?.[1]};
    });
}

/** The errors of all examples, type-checked as modules of one program with the settings of the project. */
export function compileErrors(examples: readonly Pick<DocExample, 'page' | 'line' | 'text'>[]): string[] {
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
    const source = program.getSourceFile(path);
    if (source === undefined) throw new Error(`TypeScript has not read ${path}.`);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({start = 0, messageText}) => {
      const {page, line} = sources.get(path) ?? {page: 'prelude', line: 0};
      return `${page}:${line + source.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

function pagesOf(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}
