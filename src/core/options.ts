/**
 * One declarative place per options object: a schema whose type is checked against the documented
 * interface, and which says what is allowed, what is the default, and what an error tells. The
 * interface keeps the words for editors; the schema does the rest, so the two cannot drift apart:
 * a missing, surplus or wrongly typed entry does not compile, and the table in docs/options.md, which
 * a test compares, is made from both. Our own, because the validators on npm derive the type from the
 * schema, which loses the documentation in editors and `isolatedDeclarations`, and because their
 * messages and error classes are others than ours.
 */
import {at} from './at.js';
import {isNamedValues, show} from './check.js';

/** Why a value is refused. */
export interface Problem {
  /** Whether it is of the wrong kind (TypeError); otherwise its value is not allowed (RangeError). */
  readonly wrongKind: boolean;
  /** Where inside the option: `''`, `'[2]'`, `'.sigma'`. */
  readonly path: string;
  /** What is allowed there, to follow "must be". */
  readonly rule: string;
  readonly value: unknown;
  /** Set where there is no option of that name: what to do about it. */
  readonly advice?: string | undefined;
}

/** One option: what it may be, and what it is when it is absent. */
export interface Field<T> {
  /** What is allowed, to follow "must be". */
  readonly rule: string;
  /** The default as the documentation writes it; absent where there is none. */
  readonly fallback?: string | undefined;
  /** Whether it has to be given. */
  readonly required?: boolean | undefined;
  /** What is wrong with a value that was given, if anything. */
  problem(value: unknown): Problem | undefined;
  /** The value in force for one that was given and is allowed, or for `undefined`. */
  settle(value: unknown): T;
}

/** The options of a function: who takes them, and one field for each. */
export interface OptionsSchema<S> {
  /** The function, for messages. */
  readonly where: string;
  readonly fields: {readonly [K in keyof S]-?: Field<S[K]>};
}

/** Options with their defaults filled in; those named in `Absent` may still be undefined. */
export type Settled<O, Absent extends keyof O = never> = {
  readonly [K in keyof O]-?: K extends Absent ? O[K] | undefined : Exclude<O[K], undefined>;
};

/**
 * Reads options: refuses names that it does not know and values that are not allowed, and fills in the defaults.
 *
 * @throws {TypeError} If `options` is no object, a name is unknown (the nearest known one is named), a
 *   required one is missing, or a value is of the wrong kind.
 * @throws {RangeError} If a value is not allowed.
 */
export function readOptions<S>({where, fields}: OptionsSchema<S>, options: unknown = {}): S {
  const problem = groupProblem(fields, options);
  if (problem !== undefined) throw refusal(where, {...problem, path: problem.path === '' ? 'options' : problem.path.slice(1)});
  return settleGroup(fields, options);
}

/** Makes the error of a problem, whose path names the argument. */
export function refusal(where: string, {wrongKind, path, rule, value, advice}: Problem): TypeError | RangeError {
  if (advice !== undefined) return new TypeError(`${where}: there is no option '${path}'. ${advice}`);
  const message = `${where}: ${path} must be ${rule}, but is ${show(value)}.`;
  return wrongKind ? new TypeError(message) : new RangeError(message);
}

type Fields<S> = OptionsSchema<S>['fields'];

/** What is wrong with an object of options. */
export function groupProblem<S>(fields: Fields<S>, options: unknown): Problem | undefined {
  if (!isNamedValues(options)) {
    return {wrongKind: true, path: '', rule: 'an object', value: options};
  }
  const given = options as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields);
  const unknown = Object.keys(given).find((name) => !names.includes(name) && given[name] !== undefined);
  if (unknown !== undefined) {
    const near = nearest(unknown, names);
    const advice = near === undefined ? `There are ${names.join(', ')}.` : `Did you mean '${near}'?`;
    return {wrongKind: true, path: `.${unknown}`, rule: 'absent', value: given[unknown], advice};
  }
  for (const [name, field] of Object.entries<Field<unknown>>(fields)) {
    const value = given[name];
    if (value === undefined && field.required !== true) continue;
    const problem = value === undefined ? {wrongKind: true, path: '', rule: field.rule, value} : field.problem(value);
    if (problem !== undefined) return {...problem, path: `.${name}${problem.path}`};
  }
  return undefined;
}

/** Fills in the defaults of an object without problems. */
export function settleGroup<S>(fields: Fields<S>, options: unknown): S {
  const entries = Object.entries<Field<unknown>>(fields).map(([name, field]) => [
    name,
    field.settle((options as Record<string, unknown>)[name]),
  ]);
  return Object.fromEntries(entries) as S;
}

/** The known name that a misspelt one stands for, where one is near enough. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const rated = names.map((known) => ({known, distance: editDistance(name.toLowerCase(), known.toLowerCase())}));
  const [best] = rated.sort((a, b) => a.distance - b.distance);
  // Two exchanged letters count twice.
  const isNear = best !== undefined && best.distance < name.length && best.distance <= Math.max(2, Math.floor(name.length / 3));
  return isNear ? best.known : undefined;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, at(row, j) + 1, at(next, j - 1) + 1));
    }
    row = next;
  }
  return at(row, b.length);
}
