/** What the pages say must be there: linked files, exported names, and examples that compile. */
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {compileErrors, docPages, examplesOf, fence, readPage} from '../scripts/doc-examples.js';
import {root} from '../scripts/shipping/entries.js';
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

/** The anchors of a page's headings, as GitHub names them. */
function anchorsOf(page: string): string[] {
  const headings = readPage(page)
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
  test.each(docPages)('%s links to files and headings that exist', (page) => {
    const links = [
      ...readPage(page)
        .replace(fence, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map(([, link]) => link!);
    expect(links.filter((link) => isBroken(page, link))).toEqual([]);
  });

  test.each(docPages)('%s names functions that are exported', (page) => {
    const known = callableNames();
    const spans = [
      ...readPage(page)
        .replace(fence, '')
        .matchAll(/`([^`\n]+)`/g),
    ].map(([, span]) => span!);
    // Not a method behind a dot, but what three dots spread.
    const called = spans.flatMap((span) => [...span.matchAll(/(?<!\w|[^.]\.)\b([A-Za-z]\w*)\(\)/g)].map(([, name]) => name!));
    expect(called.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each([
    ['docs/methods', baselines],
    ['docs/metrics.md', metrics],
  ])('%s names everything of its folder', (place, exported) => {
    const text = docPages
      .filter((page) => page === 'docs/explainers.md' || page.startsWith(place))
      .map(readPage)
      .join('\n');
    expect(Object.keys(exported).filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  describe('shows examples', () => {
    const wrong = [
      "import {rise} from 'attentive-distiller';\nawait rise(image, teacher, {masks: 5});\n",
      "import {nothing} from 'attentive-distiller';\n",
    ];
    let errors: string[] = [];
    beforeAll(() => {
      const examples = docPages.flatMap(examplesOf);
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
