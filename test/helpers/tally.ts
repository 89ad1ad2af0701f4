/**
 * A reporter for vitest: counts what passed, was skipped and failed, by file, backend and place, into
 * out/tests/; files that a run left out keep their counts. The table of backends in the docs is made of it.
 */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Reporter, TestModule} from 'vitest/node';

/** Counts by test file. */
export type Counts = Record<string, {passed: number; skipped: number; failed: number}>;

/** What one run on one backend came to. */
export interface Tally {
  readonly place: string;
  readonly backend: string;
  readonly files: Counts;
}

const folder = join(import.meta.dirname, '../../out/tests');

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tallies = new Map<string, Tally>();
    for (const module of modules) {
      const inBrowser = module.project.config.browser.enabled;
      const place = inBrowser ? 'Chromium' : `Node ${process.versions.node.split('.')[0] ?? ''}`;
      const backend = inBrowser ? module.project.name.replace(/ .*/, '') : (process.env['AKD_BACKEND'] ?? 'cpu');
      const key = `${place}-${backend}`.toLowerCase().replaceAll(' ', '-');
      const tally = tallies.get(key) ?? {place, backend, files: {}};
      tallies.set(key, tally);
      const counts = {passed: 0, skipped: 0, failed: 0};
      for (const test of module.children.allTests()) {
        const {state} = test.result();
        if (state !== 'pending') counts[state]++;
      }
      tally.files[module.relativeModuleId] = counts;
    }
    mkdirSync(folder, {recursive: true});
    for (const [key, tally] of tallies) {
      const path = join(folder, `${key}.json`);
      const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Tally).files : {};
      writeFileSync(path, `${JSON.stringify({...tally, files: {...before, ...tally.files}}, null, 2)}\n`);
    }
  }
}
