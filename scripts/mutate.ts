/**
 * How many faults would the tests notice? Puts one small fault at a time into a copy of the sources (a `<` for a `<=`, a
 * 1 for a 0, a statement left out), runs the tests that reach that file, and counts the faults that make one fail.
 *
 *     npm run mutate -- --count 200 --seed 7 --json out/mutants.json
 *
 * Left out are src/tfjs/wasm (kernels are compared with cpu on random shapes), files that only list or declare, and the
 * words of messages. A run that takes three times as long as usual counts as noticed. It can be stopped and goes on
 * where it was: what the file already holds is not repeated. `--jobs` copies work side by side; `--only PART` takes
 * files whose path holds PART.
 */
import {spawn} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, relative, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import ts from 'typescript';
import {formatTable} from '../src/core/format-table.js';
import {Random} from '../src/core/random.js';
import {filesBelow, importsOf} from './source-files.js';

const root = join(import.meta.dirname, '..');
const {values: options} = parseArgs({
  options: {
    count: {type: 'string', default: '200'},
    seed: {type: 'string', default: '7'},
    json: {type: 'string', default: 'out/mutants.json'},
    jobs: {type: 'string', default: '2'},
    only: {type: 'string', default: ''},
  },
});

/** One fault. */
interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly before: string;
  readonly after: string;
}

/** What became of it. */
interface Verdict extends Mutant {
  readonly verdict: 'killed' | 'survived' | 'timed out';
  /** The test files that ran. */
  readonly tests: readonly string[];
  readonly seconds: number;
}

// A mutant that needs more tests than this gets the nearest of them.
const MAX_SECONDS = 45;
const excluded = [/^src\/tfjs\/wasm\//, /\/?index\.ts$/, /^src\/core\/types\.ts$/, /errors\//];

const swapped: ReadonlyMap<string, string> = new Map([
  ['+', '-'],
  ['-', '+'],
  ['*', '/'],
  ['/', '*'],
  ['%', '*'],
  ['<', '<='],
  ['<=', '<'],
  ['>', '>='],
  ['>=', '>'],
  ['===', '!=='],
  ['!==', '==='],
  ['&&', '||'],
  ['||', '&&'],
  ['??', '&&'],
  ['+=', '-='],
  ['-=', '+='],
]);
const called: ReadonlyMap<string, string> = new Map([
  ['Math.min', 'Math.max'],
  ['Math.max', 'Math.min'],
  ['Math.floor', 'Math.ceil'],
  ['Math.ceil', 'Math.floor'],
  ['Math.round', 'Math.floor'],
]);

const sources = filesBelow(root, 'src').filter((file) => !excluded.some((pattern) => pattern.test(file)) && file.includes(options.only));
const tests = filesBelow(root, 'test').filter(
  (file) => file.endsWith('.test.ts') && !/^test\/(browser|docs|fuzz|quickstart|options)/.test(file),
);
const results = join(root, options.json);
const known: Verdict[] = existsSync(results) ? (JSON.parse(readFileSync(results, 'utf8')) as Verdict[]) : [];

const sites = sources.flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
const random = new Random(Number(options.seed)).split('mutants');
const order = random.permutation(sites.length);
const chosen = Array.from(order.slice(0, Number(options.count)), (index) => sites[index] as Mutant);
const same = (a: Mutant, b: Mutant): boolean => a.file === b.file && a.from === b.from && a.after === b.after && a.before === b.before;
const waiting = chosen.filter((mutant) => !known.some((done) => same(done, mutant)));
console.log(`${sites.length} possible faults in ${sources.length} files; ${chosen.length} chosen, ${waiting.length} to try.`);

const reach = reachOfTests();
const durations = await measureTests();
const verdicts = [...known];
await Promise.all(Array.from({length: Number(options.jobs)}, work));
report(verdicts.filter((done) => chosen.some((mutant) => same(done, mutant))));

async function work(): Promise<void> {
  const copy = makeCopy();
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(copy, mutant);
      verdicts.push(verdict);
      mkdirSync(dirname(results), {recursive: true});
      writeFileSync(results, JSON.stringify(verdicts, null, 1));
      const mark = {killed: '+', survived: '-', 'timed out': 't'}[verdict.verdict];
      console.log(
        `${mark} ${mutant.file}:${mutant.line}  ${oneLine(mutant.before)}  ->  ${oneLine(mutant.after)}  (${verdict.seconds.toFixed(0)} s)`,
      );
    }
  } finally {
    rmSync(copy, {recursive: true, force: true});
  }
}

/** A copy in which faults do no harm; it shares the packages. */
function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
  for (const part of [
    'src',
    'test',
    'quickstart',
    'scripts',
    'bench',
    'docs',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
    'README.md',
  ]) {
    cpSync(join(root, part), join(copy, part), {recursive: true});
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

async function judge(copy: string, mutant: Mutant): Promise<Verdict> {
  const path = join(copy, mutant.file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, mutant.from) + mutant.after + text.slice(mutant.to));
  const chosenTests = testsFor(mutant.file);
  const usual = chosenTests.reduce((sum, test) => sum + (durations.get(test) ?? 5), 0);
  const started = performance.now();
  try {
    const ended = await runTests(copy, chosenTests, 3 * usual + 30);
    const seconds = (performance.now() - started) / 1000;
    return {...mutant, verdict: ended === null ? 'timed out' : ended === 0 ? 'survived' : 'killed', tests: chosenTests, seconds};
  } finally {
    writeFileSync(path, text);
  }
}

/** Runs test files until one fails. Gives the exit status, or null where it was stopped. */
function runTests(folder: string, files: readonly string[], limit: number): Promise<number | null> {
  const data = {
    AKD_DATA: resolve(process.env['AKD_DATA'] ?? join(root, '../shared/data')),
    AKD_GOLDENS: resolve(process.env['AKD_GOLDENS'] ?? join(root, '../shared/goldens')),
  };
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...files, '--bail', '1', '--maxWorkers', '1', '--reporter', 'dot'];
  return new Promise((settle) => {
    const child = spawn(process.execPath, args, {cwd: folder, stdio: 'ignore', detached: true, env: {...process.env, ...data}});
    const timer = setTimeout(() => {
      process.kill(-(child.pid as number), 'SIGKILL');
      settle(null);
    }, limit * 1000);
    child.on('exit', (code) => {
      clearTimeout(timer);
      settle(code ?? 1);
    });
  });
}

/** The source files that each test file reaches, with how many imports away they are. */
function reachOfTests(): Map<string, Map<string, number>> {
  const links = new Map<string, readonly string[]>();
  const linksOf = (file: string): readonly string[] => {
    const found = links.get(file) ?? importsOf(root, file, false);
    links.set(file, found);
    return found;
  };
  return new Map(
    tests.map((test) => {
      const distance = new Map([[test, 0]]);
      for (const [file, steps] of distance) for (const next of linksOf(file)) if (!distance.has(next)) distance.set(next, steps + 1);
      return [test, distance];
    }),
  );
}

/** The tests that reach a file, the nearest first, as many as the time allows. */
function testsFor(file: string): string[] {
  const folder = file.split('/')[1] as string;
  const rated = tests
    .filter((test) => reach.get(test)?.has(file))
    .map((test) => ({
      test,
      distance: (reach.get(test)?.get(file) as number) - (test.split('/')[1] === folder ? 2 : 0),
      seconds: durations.get(test) ?? 5,
    }))
    .sort((a, b) => a.distance - b.distance || a.seconds - b.seconds);
  const kept: string[] = [];
  let total = 0;
  for (const {test, seconds} of rated) {
    if (kept.length > 0 && total + seconds > MAX_SECONDS) continue;
    kept.push(test);
    total += seconds;
  }
  return kept;
}

/** How long each test file takes, from a run of the copy without faults, kept beside the results. */
async function measureTests(): Promise<Map<string, number>> {
  const file = results.replace(/\.json$/, '-durations.json');
  if (!existsSync(file)) {
    console.log('Measuring how long each test takes...');
    const copy = makeCopy();
    const report = join(copy, 'report.json');
    const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...tests, '--reporter', 'json', '--outputFile', report];
    const data = {
      AKD_DATA: resolve(process.env['AKD_DATA'] ?? join(root, '../shared/data')),
      AKD_GOLDENS: resolve(process.env['AKD_GOLDENS'] ?? join(root, '../shared/goldens')),
    };
    await new Promise((settle) =>
      spawn(process.execPath, args, {cwd: copy, stdio: 'ignore', env: {...process.env, ...data}}).on('exit', settle),
    );
    const {testResults} = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: {name: string; startTime: number; endTime: number; status: string}[];
    };
    const failing = testResults.filter(({status}) => status !== 'passed').map(({name}) => relative(copy, name));
    if (failing.length > 0) throw new Error(`These tests fail without any fault: ${failing.join(', ')}.`);
    const measured = testResults.map(({name, startTime, endTime}) => [relative(copy, name), (endTime - startTime) / 1000 + 2]);
    mkdirSync(dirname(file), {recursive: true});
    writeFileSync(file, JSON.stringify(Object.fromEntries(measured)));
    rmSync(copy, {recursive: true, force: true});
  }
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>));
}

/** All faults that a file can have. */
function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const add = (node: ts.Node, after: string): void => {
    const from = node.getStart(source);
    const before = text.slice(from, node.getEnd());
    if (before !== after)
      found.push({file, line: source.getLineAndCharacterOfPosition(from).line + 1, from, to: node.getEnd(), before, after});
  };
  const visit = (node: ts.Node): void => {
    // Types, imports and what an error says compute nothing.
    if (
      ts.isTypeNode(node) ||
      ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node)
    )
      return;
    if (
      ts.isThrowStatement(node) ||
      ts.isTemplateExpression(node) ||
      (ts.isNewExpression(node) && /Error$/.test(node.expression.getText(source)))
    )
      return;
    mutate(node, source, add);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function mutate(node: ts.Node, source: ts.SourceFile, add: (node: ts.Node, after: string) => void): void {
  if (ts.isBinaryExpression(node)) {
    const other = swapped.get(node.operatorToken.getText(source));
    const isText = [node.left, node.right].some((side) => ts.isStringLiteral(side) || ts.isTemplateExpression(side));
    if (other !== undefined && !(isText && node.operatorToken.kind === ts.SyntaxKind.PlusToken)) add(node.operatorToken, other);
  } else if (ts.isNumericLiteral(node)) {
    add(node, node.text === '0' ? '1' : node.text === '1' ? '0' : String(Number(node.text) + 1));
  } else if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) {
    add(node, node.kind === ts.SyntaxKind.TrueKeyword ? 'false' : 'true');
  } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    add(node, node.operand.getText(source));
  } else if (ts.isCallExpression(node)) {
    const other = called.get(node.expression.getText(source));
    if (other !== undefined) add(node.expression, other);
  } else if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) {
    add(node, ';');
  } else if (ts.isConditionalExpression(node)) {
    add(node, `(${node.condition.getText(source)} ? ${node.whenFalse.getText(source)} : ${node.whenTrue.getText(source)})`);
  } else if (ts.isIfStatement(node) && node.elseStatement === undefined && !ts.isThrowStatement(node.thenStatement)) {
    add(node.expression, 'false');
  }
}

function report(all: readonly Verdict[]): void {
  const folders = [...new Set(all.map(({file}) => file.split('/')[1] as string))].sort();
  const count = (some: readonly Verdict[], verdict: Verdict['verdict']): number => some.filter((each) => each.verdict === verdict).length;
  const row = (name: string, some: readonly Verdict[]): (string | number)[] => {
    const survived = count(some, 'survived');
    return [
      name,
      some.length,
      count(some, 'killed'),
      count(some, 'timed out'),
      survived,
      `${((100 * (some.length - survived)) / some.length).toFixed(1)} %`,
    ];
  };
  const rows = folders.map((folder) =>
    row(
      folder,
      all.filter(({file}) => file.split('/')[1] === folder),
    ),
  );
  console.log(formatTable(['folder', 'faults', 'noticed', 'timed out', 'survived', 'noticed'], [...rows, row('all', all)]));
  for (const {file, line, before, after} of all.filter(({verdict}) => verdict === 'survived'))
    console.log(`${file}:${line}  ${oneLine(before)}  ->  ${oneLine(after)}`);
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
}
