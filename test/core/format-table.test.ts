import {describe, expect, it} from 'vitest';
import {formatTable} from '../../src/core/format-table.js';

describe('formatTable', () => {
  it('aligns words to the left and numbers to the right', () => {
    const text = formatTable(
      ['method', 'auc', 'n'],
      [
        ['ours', 0.91234, 12],
        ['a longer name', Number.NaN, 3],
      ],
      {digits: 2},
    );
    expect(text.split('\n')).toEqual([
      'method          auc   n',
      '─────────────  ────  ──',
      'ours           0.91  12',
      'a longer name     –   3',
    ]);
    expect(formatTable(['n'], [[1.23456]]).split('\n')[2]).toBe('1.235');
    expect(() => formatTable(['a'], [['x', 'y']])).toThrow(RangeError);
  });
});
