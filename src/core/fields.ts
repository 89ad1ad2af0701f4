/** The kinds of options that there are, as fields of a schema: see options.ts. */
import {boundsText, isNumberList, isNamedValues} from './check.js';
import {groupProblem, settleGroup, type Field, type OptionsSchema, type Problem} from './options.js';

/** A field without a default: the value is what was given, or undefined. */
function field<T>(rule: string, problemOf: (value: unknown) => 'kind' | 'value' | undefined): Field<T | undefined> {
  return {
    rule,
    problem: (value) => {
      const found = problemOf(value);
      return found && {wrongKind: found === 'kind', path: '', rule, value};
    },
    settle: (value) => value as T | undefined,
  };
}

/** A field of one's own kind. `problemOf` says whether a value is of the wrong kind or has a wrong value. */
export function custom<T>(rule: string, problemOf: (value: unknown) => 'kind' | 'value' | undefined): Field<T | undefined> {
  return field<T>(rule, problemOf);
}

/** A whole number within bounds. */
export function integer(min: number = 0, max: number = Number.MAX_SAFE_INTEGER): Field<number | undefined> {
  return field(`a whole number${boundsText(min, max)}`, (value) =>
    typeof value !== 'number' ? 'kind' : Number.isInteger(value) && value >= min && value <= max ? undefined : 'value',
  );
}

/** A finite number within bounds; `Number.MIN_VALUE` as `min` reads "above 0". */
export function number(min: number = -Infinity, max: number = Infinity): Field<number | undefined> {
  return field(`a finite number${boundsText(min, max)}`, (value) =>
    typeof value !== 'number' ? 'kind' : Number.isFinite(value) && value >= min && value <= max ? undefined : 'value',
  );
}

/** A finite number between bounds that are themselves not allowed. */
export function between(low: number, high: number): Field<number | undefined> {
  return field(`a number above ${low} and below ${high}`, (value) =>
    typeof value !== 'number' ? 'kind' : value > low && value < high ? undefined : 'value',
  );
}

/** True or false. */
export function boolean(): Field<boolean | undefined> {
  return field('true or false', (value) => (typeof value === 'boolean' ? undefined : 'kind'));
}

/** A text. */
export function text(): Field<string | undefined> {
  return field('a text', (value) => (typeof value === 'string' ? undefined : 'kind'));
}

/** One of some texts or numbers. */
export function oneOf<T extends string | number>(...allowed: readonly T[]): Field<T | undefined> {
  const rule = `one of ${allowed.map((each) => (typeof each === 'string' ? `'${each}'` : String(each))).join(', ')}`;
  return field(rule, (value) => (allowed.includes(value as T) ? undefined : typeof value === typeof allowed[0] ? 'value' : 'kind'));
}

/** Exactly this value, as a part of {@link either}. */
export function exactly<T extends string | number | boolean | null>(allowed: T): Field<T | undefined> {
  const rule = typeof allowed === 'string' ? `'${allowed}'` : String(allowed);
  return field(rule, (value) => (value === allowed ? undefined : typeof value === typeof allowed ? 'value' : 'kind'));
}

/** A function. */
export function callback<T>(): Field<T | undefined> {
  return field('a function', (value) => (typeof value === 'function' ? undefined : 'kind'));
}

/** An AbortSignal, of this realm or another. */
export function abortSignal(): Field<AbortSignal | undefined> {
  return field('an AbortSignal', (value) => {
    const {aborted, throwIfAborted, addEventListener} = (value ?? {}) as Partial<AbortSignal>;
    return typeof aborted === 'boolean' && typeof throwIfAborted === 'function' && typeof addEventListener === 'function'
      ? undefined
      : 'kind';
  });
}

/** A list of at least `least` items; a typed array becomes a plain one. */
export function list<T>(item: Field<T | undefined>, least: number = 0): Field<readonly T[] | undefined> {
  const rule = `a list of ${least > 0 ? `at least ${least}, each ` : ''}${item.rule}`;
  return {
    rule,
    problem: (value) => {
      if (!isNumberList(value)) return {wrongKind: true, path: '', rule, value};
      if (value.length < least) return {wrongKind: false, path: '', rule, value};
      return firstProblem(value, () => item);
    },
    settle: (value) => (ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<T>) : (value as readonly T[] | undefined)),
  };
}

/** A list of so many items, each with its own field. */
export function tuple<T>(rule: string, ...items: readonly Field<unknown>[]): Field<T | undefined> {
  return {
    rule,
    problem: (value) => {
      if (!isNumberList(value)) return {wrongKind: true, path: '', rule, value};
      if (value.length !== items.length) return {wrongKind: false, path: '', rule, value};
      return firstProblem(value, (index) => items[index] as Field<unknown>);
    },
    settle: (value) => value as T | undefined,
  };
}

function firstProblem(values: ArrayLike<unknown>, fieldAt: (index: number) => Field<unknown>): Problem | undefined {
  for (let index = 0; index < values.length; index++) {
    const problem = fieldAt(index).problem(values[index]);
    if (problem !== undefined) return {...problem, path: `[${index}]${problem.path}`};
  }
  return undefined;
}

/** An object with values of one kind under names of the caller's. */
export function record<T>(item: Field<T | undefined>): Field<Readonly<Record<string, T>> | undefined> {
  const rule = `an object whose values are each ${item.rule}`;
  return {
    rule,
    problem: (value) => {
      if (!isNamedValues(value)) return {wrongKind: true, path: '', rule, value};
      for (const [name, each] of Object.entries(value)) {
        const problem = item.problem(each);
        if (problem !== undefined) return {...problem, path: `[${JSON.stringify(name)}]${problem.path}`};
      }
      return undefined;
    },
    settle: (value) => value as Readonly<Record<string, T>> | undefined,
  };
}

/** Options inside options; their defaults are filled in where the object is given. */
export function group<S>(fields: OptionsSchema<S>['fields']): Field<S | undefined> {
  return {
    rule: `an object {${Object.keys(fields).join(', ')}}`,
    problem: (value) => groupProblem(fields, value),
    settle: (value) => (value === undefined ? undefined : settleGroup(fields, value)),
  };
}

/** Any of several kinds; the first that takes a value settles it. */
export function either<T>(...fields: readonly Field<unknown>[]): Field<T | undefined> {
  const rules = fields.map((each) => each.rule);
  const rule = rules.length < 2 ? rules.join('') : `${rules.slice(0, -1).join(', ')} or ${rules.at(-1)}`;
  const taking = (value: unknown): Field<unknown> | undefined => fields.find((each) => each.problem(value) === undefined);
  return {
    rule,
    problem: (value) => {
      if (taking(value) !== undefined) return undefined;
      // What is right in kind, or wrong only further inside, says more than that all kinds fail.
      const problems = fields.map((each) => each.problem(value) as Problem);
      const inside = problems.find(({path}) => path !== '');
      return inside ?? {wrongKind: problems.every(({wrongKind}) => wrongKind), path: '', rule, value};
    },
    settle: (value) => (value === undefined ? undefined : taking(value)?.settle(value)) as T | undefined,
  };
}

/** Gives a field a default. `words` is the default as the documentation writes it. */
export function withDefault<T, D extends T>(base: Field<T | undefined>, value: D, words: string = inWords(value)): Field<T> {
  return {...base, fallback: words, settle: (given) => (given === undefined ? value : (base.settle(given) as T))};
}

/** Says in words what an absent option means, where that depends on other things. */
export function absentMeans<T>(base: Field<T | undefined>, words: string): Field<T | undefined> {
  return {...base, fallback: words};
}

/** Makes a field one that has to be given. */
export function required<T>(base: Field<T | undefined>): Field<T> {
  return {...base, required: true, settle: (value) => base.settle(value) as T};
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(inWords).join(', ')}]`;
  return String(value);
}
