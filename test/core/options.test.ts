import {describe, expect, test} from 'vitest';
import {targetField, singleTargetField, signalField, batchSizeField} from '../../src/core/common-options.js';
import {
  absentMeans,
  between,
  boolean,
  callback,
  either,
  exactly,
  group,
  integer,
  list,
  number,
  oneOf,
  record,
  required,
  tuple,
  withDefault,
} from '../../src/core/fields.js';
import {readOptions, type OptionsSchema} from '../../src/core/options.js';

interface Settings {
  readonly count: number;
  readonly shape: readonly [number, number] | undefined;
  readonly mode: 'a' | 'b';
  readonly inner: {readonly depth: number} | undefined;
}
const schema: OptionsSchema<Settings> = {
  where: 'work',
  fields: {
    count: withDefault(integer(1, 9), 3),
    shape: tuple('[height, width]', integer(1), integer(1)),
    mode: withDefault(oneOf('a', 'b'), 'a'),
    inner: group<{readonly depth: number}>({depth: withDefault(integer(0), 2)}),
  },
};

describe('readOptions', () => {
  test('fills in the defaults, also inside', () => {
    expect(readOptions(schema)).toEqual({count: 3, shape: undefined, mode: 'a', inner: undefined});
    expect(readOptions(schema, {inner: {}, shape: [2, 5]})).toEqual({count: 3, shape: [2, 5], mode: 'a', inner: {depth: 2}});
    expect(readOptions(schema, {count: undefined, mode: undefined})).toEqual(readOptions(schema));
  });

  test('refuses a name that it does not know, and names the nearest', () => {
    expect(() => readOptions(schema, {cuont: 2})).toThrow(new TypeError("work: there is no option 'cuont'. Did you mean 'count'?"));
    expect(() => readOptions(schema, {Mode: 'a'})).toThrow("Did you mean 'mode'?");
    expect(() => readOptions(schema, {zzzzzz: 1})).toThrow(
      new TypeError("work: there is no option 'zzzzzz'. There are count, shape, mode, inner."),
    );
    expect(() => readOptions(schema, {inner: {dept: 1}})).toThrow(
      new TypeError("work: there is no option 'inner.dept'. Did you mean 'depth'?"),
    );
    expect(readOptions(schema, {zzzzzz: undefined})).toEqual(readOptions(schema));
    expect(() => readOptions(schema, {constructor: 1})).toThrow("there is no option 'constructor'");
  });

  test('says which argument, what is allowed and what came', () => {
    expect(() => readOptions(schema, {count: '2'})).toThrow(new TypeError('work: count must be a whole number from 1 to 9, but is "2".'));
    expect(() => readOptions(schema, {count: 10})).toThrow(new RangeError('work: count must be a whole number from 1 to 9, but is 10.'));
    expect(() => readOptions(schema, {shape: [2, 0]})).toThrow(
      new RangeError('work: shape[1] must be a whole number of at least 1, but is 0.'),
    );
    expect(() => readOptions(schema, {shape: [2]})).toThrow(new RangeError('work: shape must be [height, width], but is [2].'));
    expect(() => readOptions(schema, {inner: {depth: 0.5}})).toThrow(
      new RangeError('work: inner.depth must be a whole number of at least 0, but is 0.5.'),
    );
    expect(() => readOptions(schema, {mode: 'c'})).toThrow(new RangeError("work: mode must be one of 'a', 'b', but is \"c\"."));
    expect(() => readOptions(schema, {mode: 1})).toThrow(TypeError);
  });

  test('takes an object only', async () => {
    for (const wrong of [null, 3, 'x', [], () => 1, Promise.resolve({})])
      expect(() => readOptions(schema, wrong), String(wrong)).toThrow(TypeError);
    expect(() => readOptions(schema, Promise.resolve({}))).toThrow('work: options must be an object, but is a promise (await it first).');
  });
});

const verdict = (field: {problem(value: unknown): {wrongKind: boolean} | undefined}, value: unknown): 'ok' | 'kind' | 'value' => {
  const problem = field.problem(value);
  return problem === undefined ? 'ok' : problem.wrongKind ? 'kind' : 'value';
};

describe('fields', () => {
  test.each([
    ['number', number(0, 1), {ok: [0, 0.5, 1], kind: ['1', null, true], value: [-0.1, 1.1, NaN, Infinity]}],
    ['number above 0', number(Number.MIN_VALUE), {ok: [1e-300, 7], kind: [1n], value: [0, -1, Infinity]}],
    ['between', between(0, 1), {ok: [0.1, 0.9], kind: ['x'], value: [0, 1, NaN]}],
    ['boolean', boolean(), {ok: [true, false], kind: [0, 'true', null], value: []}],
    ['callback', callback(), {ok: [() => 1], kind: [{}, 'f'], value: []}],
    ['list', list(integer(0), 1), {ok: [[0], [1, 2], new Int32Array([3])], kind: [3, 'ab', {length: 1}], value: [[], [-1]]}],
    ['record', record(integer(0)), {ok: [{}, {a: 1}], kind: [[], null, {a: 'x'}], value: [{a: -1}]}],
    ['either', either(exactly('all'), integer(1)), {ok: ['all', 4], kind: [true, null], value: ['none', 0]}],
    ['signal', signalField, {ok: [new AbortController().signal], kind: [{aborted: false}, true], value: []}],
    [
      'target',
      targetField,
      {
        ok: ['argmax', 0, [1, 2], {perImage: [1, 2]}, {kind: 'binary', positive: true}, () => 1],
        kind: [null, {}, true, {perImage: 1}, {kind: 'unary', positive: true}, ['x']],
        value: ['argmin', -1, 0.5, [], {perImage: [-1]}, {kind: 'binary'}],
      },
    ],
    ['target of one map', singleTargetField, {ok: [3, {perImage: []}], kind: [[1, 2]], value: ['max']}],
  ] as const)('%s', (_, field, cases) => {
    for (const [wanted, values] of Object.entries(cases))
      for (const value of values as readonly unknown[]) expect([value, verdict(field, value)]).toEqual([value, wanted]);
  });

  test('write their defaults for the documentation', () => {
    expect(withDefault(oneOf('a', 'b'), 'a').fallback).toBe("'a'");
    expect(withDefault<readonly number[], number[]>(list(integer(0)), [4, 2]).fallback).toBe('[4, 2]');
    expect(absentMeans(integer(), 'as many as there are').fallback).toBe('as many as there are');
    expect(batchSizeField.settle(undefined)).toBe(16);
  });

  test('tell apart what has to be given', () => {
    const needs: OptionsSchema<{readonly file: string}> = {where: 'read', fields: {file: required(oneOf<string>('x'))}};
    expect(() => readOptions(needs, {})).toThrow(new TypeError("read: file must be one of 'x', but is undefined."));
    expect(readOptions(needs, {file: 'x'})).toEqual({file: 'x'});
  });
});
