/** The table of all options is what the code says, and one option means one thing. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {documentedFunctions, optionsPage, type DocumentedFunction} from '../scripts/options-page.js';

describe('options', () => {
  let functions: readonly DocumentedFunction[] = [];
  beforeAll(async () => {
    functions = await documentedFunctions();
  });

  test('are listed in docs/options.md', async () => {
    expect(readFileSync(join(import.meta.dirname, '../docs/options.md'), 'utf8')).toBe(await optionsPage());
  });

  test('are found in every folder that has some', () => {
    expect(functions.map(({name}) => name)).toEqual(
      expect.arrayContaining(['rise', 'lime', 'insertionScore', 'compare', 'fit', 'CBAM', 'selectBackend', 'residualStudent']),
    );
  });

  test('have words for editors', () => {
    const mute = functions.flatMap(({name, options}) =>
      options.filter(({words}) => words === '').map((option) => `${name}.${option.name}`),
    );
    expect(mute).toEqual([]);
  });

  test('seed is 0 unless something has one of its own', () => {
    const seeds = functions.flatMap(({name, options}) =>
      options.filter((option) => option.name === 'seed').map(({allowed, fallback}) => ({name, allowed, fallback})),
    );
    expect(new Set(seeds.map(({allowed}) => allowed)).size).toBe(1);
    expect(seeds.filter(({fallback}) => fallback !== '0').map(({name, fallback}) => [name, fallback])).toEqual([
      ['explain', "the distiller's own"],
    ]);
  });

  test.each(['batchSize', 'workers', 'signal', 'onProgress', 'normalize', 'temperature', 'lambda', 'lambdaRule', 'warmUp'])(
    '%s is allowed the same and has the same default everywhere',
    (name) => {
      const all = functions.flatMap(({options}) => options.filter((option) => option.name === name));
      expect(all.length).toBeGreaterThan(0);
      expect(new Set(all.map(({allowed, fallback}) => `${allowed}; ${fallback}`)).size).toBe(1);
    },
  );

  test('target means one of two things: several maps of an image, or one number', () => {
    const rules = functions
      .filter(({name}) => name !== 'randomMap')
      .flatMap(({options}) => options.filter(({name}) => name === 'target').map(({allowed}) => allowed));
    expect(new Set(rules).size).toBe(2);
  });
});
