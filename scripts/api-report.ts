/**
 * Lists the public surface, every entry with all its declarations, in etc/*.api.md, by API Extractor from the built declarations.
 *
 *   npm run api                  fails where the surface is not what the reports say
 *   npm run api -- --update      writes the reports anew
 *
 * A line that disappears or changes is a break for somebody; CONTRIBUTING.md says which part of the version it moves.
 * Run after `npm run build`.
 */
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Extractor, ExtractorConfig, ExtractorLogLevel, type IConfigFile} from '@microsoft/api-extractor';
import {buildFaults} from './shipping/build-faults.js';
import {entryPaths, root} from './shipping/entries.js';

const reports = join(root, 'etc');
const isUpdate = process.argv.includes('--update');
const faults = buildFaults();
if (faults.length > 0) {
  console.error(`dist is not what the sources say, so npm run build comes first: ${faults[0]}`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'api-'));
try {
  mkdirSync(reports, {recursive: true});
  const changed = Object.entries(entryPaths).filter(([name, paths]) => isChanged(name, paths.import.types));
  const names = Object.keys(entryPaths).map((name) => `${name}.api.md`);
  const left = readdirSync(reports).filter((file) => file.endsWith('.api.md') && !names.includes(file));
  if (isUpdate) {
    for (const file of left) rmSync(join(reports, file));
    console.log(`etc/ holds the surface of ${names.length} entries; ${changed.length} changed.`);
  } else if (changed.length + left.length > 0) {
    for (const [name] of changed) showDifference(name);
    for (const file of left) console.error(`etc/${file} is of an entry that is no more.`);
    console.error('\nThe public surface has changed. If it was meant to: npm run api -- --update, and a changeset that says so.');
    process.exitCode = 1;
  } else {
    console.log(`The public surface of ${names.length} entries is what etc/ says.`);
  }
} finally {
  rmSync(folder, {recursive: true, force: true});
}

/** Whether the report of an entry differs from the one in etc/, which an update replaces. */
function isChanged(name: string, types: string): boolean {
  const config: IConfigFile = {
    projectFolder: root,
    mainEntryPointFilePath: join(root, types),
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          module: 'ESNext',
          moduleResolution: 'Bundler',
          target: 'ES2022',
          lib: ['ES2023', 'DOM', 'ESNext.Disposable'],
          skipLibCheck: true,
        },
        files: [types],
      },
    },
    apiReport: {
      enabled: true,
      reportFileName: `${name}.api.md`,
      reportFolder: reports,
      reportTempFolder: folder,
      includeForgottenExports: true,
    },
    docModel: {enabled: false},
    dtsRollup: {enabled: false},
    tsdocMetadata: {enabled: false},
    newlineKind: 'lf',
    // TypeDoc looks at the words; here only the declarations matter.
    messages: {
      compilerMessageReporting: {default: {logLevel: ExtractorLogLevel.Error}},
      extractorMessageReporting: {default: {logLevel: ExtractorLogLevel.None}},
      tsdocMessageReporting: {default: {logLevel: ExtractorLogLevel.None}},
    },
  };
  const prepared = ExtractorConfig.prepare({
    configObject: config,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const result = Extractor.invoke(prepared, {
    localBuild: isUpdate,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) console.error(message.text);
    },
  });
  if (result.errorCount > 0) throw new Error(`API Extractor could not read the declarations of ${name}.`);
  return result.apiReportChanged;
}

/** The lines that are in one report alone. */
function showDifference(name: string): void {
  const file = `${name}.api.md`;
  const lines = (path: string): string[] => {
    try {
      return readFileSync(path, 'utf8').split('\n');
    } catch {
      return [];
    }
  };
  const [before, after] = [lines(join(reports, file)), lines(join(folder, file))];
  const only = (these: string[], those: string[]): string[] => these.filter((line) => !those.includes(line) && line.trim() !== '');
  const removed = only(before, after).map((line) => `- ${line}`);
  const added = only(after, before).map((line) => `+ ${line}`);
  console.error([`\netc/${file}:`, ...removed.slice(0, 20), ...added.slice(0, 20)].join('\n'));
}
