/** What our reader finds in a MAT file, in the form that scripts/data-sets/mat_reference.py gives what scipy finds. */
import type {MatValue} from '../../src/node/mat/values.js';

/** A value without typed arrays: 64-bit integers, NaN and infinities are texts. */
export function matAsJson(value: MatValue): unknown {
  const {kind} = value;
  const dims = [...value.dims];
  if (kind === 'char') return {kind, dims, characters: [...value.characters]};
  if (kind === 'cell') return {kind, dims, cells: value.cells.map(matAsJson)};
  if (kind === 'struct') {
    return {kind, dims, fields: Object.fromEntries([...value.fields].map(([name, values]) => [name, values.map(matAsJson)]))};
  }
  const {real, imaginary, logical} = value;
  return {kind: logical ? 'logical' : kind, dims, real: numbers(real), ...(imaginary && {imaginary: numbers(imaginary)})};
}

function numbers(values: ArrayLike<number | bigint>): (number | string)[] {
  return Array.from(values, (value) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return String(value).replace('NaN', 'nan').replace('Infinity', 'inf');
  });
}
