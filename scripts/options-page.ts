/** The page docs/options.md, made of the schemas and of the interfaces that they belong to. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import ts from 'typescript';
import type {Field, OptionsSchema} from '../src/core/options.js';
import {filesBelow} from './source-files.js';

const root = join(import.meta.dirname, '..');

/** One option of one function. */
export interface DocumentedOption {
  readonly name: string;
  /** What is allowed, in the words of the errors. */
  readonly allowed: string;
  /** `required`, the default, or nothing. */
  readonly fallback: string;
  /** The words of the interface. */
  readonly words: string;
}

/** A function, or a class, with its options. */
export interface DocumentedFunction {
  readonly name: string;
  readonly options: readonly DocumentedOption[];
}

/** Reads all schemas of src. */
export async function documentedFunctions(): Promise<DocumentedFunction[]> {
  const files = filesBelow(root, 'src').filter((file) => /^export const \w+Schema\b/m.test(readFileSync(join(root, file), 'utf8')));
  const {config} = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {config: {compilerOptions: object}};
  const {options} = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    files.map((file) => join(root, file)),
    options,
  );
  const checker = program.getTypeChecker();
  const found: DocumentedFunction[] = [];
  for (const file of files) {
    const values = (await import(pathToFileURL(join(root, file)).href)) as Record<string, unknown>;
    const source = program.getSourceFile(join(root, file)) as ts.SourceFile;
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol);
    for (const symbol of symbols.filter(({name}) => name.endsWith('Schema'))) {
      const schema = values[symbol.name] as OptionsSchema<Record<string, unknown>>;
      const words = wordsOf(checker, symbol);
      const own = Object.entries<Field<unknown>>(schema.fields).map(([name, field]) => ({
        name,
        allowed: field.rule,
        fallback: field.required === true ? 'required' : (field.fallback ?? ''),
        words: words.get(name) ?? '',
      }));
      found.push({name: schema.where, options: own});
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The words of each option: the comments of the properties that the fields of a schema are made from. */
function wordsOf(checker: ts.TypeChecker, schema: ts.Symbol): Map<string, string> {
  const declared = checker.getTypeOfSymbol(schema);
  const fields = checker.getTypeOfSymbol(checker.getPropertyOfType(declared, 'fields') as ts.Symbol);
  return new Map(
    checker.getPropertiesOfType(fields).map((property) => {
      const text = ts.displayPartsToString(property.getDocumentationComment(checker));
      return [property.name, text.replace(/\s+/g, ' ').trim()];
    }),
  );
}

/** The page. */
export async function optionsPage(): Promise<string> {
  const functions = await documentedFunctions();
  return `# Options

Made from the code by \`npm run docs:options\`. Every function refuses what is not here: an unknown name, a wrong kind (\`TypeError\`), a value that is not allowed (\`RangeError\`).

## By function

| function | options |
|---|---|
${functions.map(({name, options}) => `| \`${name}\` | ${options.map((option) => `\`${option.name}\``).join(', ')} |`).join('\n')}

Explainers (\`riseExplainer\` and the others) take the options of their function. Functions that are not here take none.

## By option

Where a name has more than one row, the functions differ.

| option | must be | default | | of |
|---|---|---|---|---|
${rowsByOption(functions).join('\n')}
`;
}

function rowsByOption(functions: readonly DocumentedFunction[]): string[] {
  const rows = new Map<string, {option: DocumentedOption; of: string[]}>();
  for (const {name, options} of functions) {
    for (const option of options) {
      const key = JSON.stringify(option);
      const row = rows.get(key) ?? {option, of: []};
      rows.set(key, {...row, of: [...row.of, name]});
    }
  }
  return [...rows.values()]
    .sort((a, b) => (a.option.name < b.option.name ? -1 : a.option.name > b.option.name ? 1 : a.of.length > b.of.length ? -1 : 1))
    .map(({option: {name, allowed, fallback, words}, of}) => {
      const cells = [`\`${name}\``, cell(allowed), fallback === 'required' ? 'required' : cell(fallback), cell(words)];
      return `| ${cells.join(' | ')} | ${of.map((each) => `\`${each}\``).join(', ')} |`;
    });
}

function cell(text: string): string {
  // Links of TypeDoc lead nowhere here.
  return text.replace(/\{@link (?:\w+\.)?(\w+)\}/g, '`$1`').replaceAll('|', '\\|');
}
