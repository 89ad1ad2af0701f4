/**
 * Writes docs/options.md: every public function with its options, and every option with what it may be, its
 * default and its words. What is allowed and the default come from the schema that the function reads, the words
 * from the interface that editors show. `npm run docs:options`; `--check` compares instead of writing.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {optionsPage} from './options-page.js';

const file = join(import.meta.dirname, '../docs/options.md');
const page = await optionsPage();
if (!process.argv.includes('--check')) writeFileSync(file, page);
else if (readFileSync(file, 'utf8') !== page) {
  console.error('docs/options.md is not what the code says: run npm run docs:options.');
  process.exitCode = 1;
}
