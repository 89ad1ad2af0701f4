/**
 * Every public function with something wrong in its arguments: it works, or it throws a typed error that names
 * the function, soon, without leaking a tensor or changing what it was given. `AKD_EXTENT=whole` makes 28,000
 * calls, otherwise 1,500 are made.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory, Tensor} from '@tensorflow/tfjs-core';
import {LayersModel} from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {AttentiveError} from '../../src/core/errors/attentive-error.js';
import {writePng} from '../../src/node/index.js';
import {documentedFunctions} from '../../scripts/options-page.js';
import {rounds} from '../helpers/environment.js';
import {entries, isPlain, makeWorld, withoutArguments, type Call, type World} from './calls.js';
import {free, freeTensors} from './free.js';
import {junk, type Maker} from './junk.js';

const SEED = Number(process.env['AKD_FUZZ_SEED'] ?? 20261126);
const CALLS = rounds(28_000, 1_500);
/** Milliseconds that a call may take; long work is stopped by its signal before. */
const SOON = 10_000;
const STOP = 3_000;

/** What is done to the arguments of one call. */
interface Spoiling {
  readonly argument: number;
  readonly how: 'argument' | 'option' | 'name' | 'inside';
  readonly key: number;
  readonly make: Maker;
}

const spoilings: fc.Arbitrary<Spoiling> = fc.record({
  argument: fc.nat(1000),
  how: fc.constantFrom('argument', 'argument', 'option', 'option', 'option', 'name', 'inside', 'inside'),
  key: fc.nat(1_000_000),
  make: junk,
});

describe('every public function', () => {
  let world: World;
  let options: Map<string, readonly string[]>;
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));

  beforeAll(async () => {
    await writePng(join(folder, 'a.png'), {data: new Uint8Array(48), width: 4, height: 4});
    world = await makeWorld(folder);
    options = new Map((await documentedFunctions()).map(({name, options: own}) => [name, own.map((option) => option.name)]));
  });
  afterAll(() => {
    world.dispose();
    rmSync(folder, {recursive: true, force: true});
  });

  test('is called', () => {
    const called = new Set([...world.calls.map(({name}) => name.split('.')[0]!), ...withoutArguments]);
    const exported = Object.values(entries).flatMap((entry) => Object.entries(entry).filter(([, value]) => typeof value === 'function'));
    expect(exported.map(([name]) => name).filter((name) => !called.has(name))).toEqual([]);
  });

  test('works with arguments that are right', async () => {
    const failed: string[] = [];
    for (const call of world.calls) {
      const before = memory().numTensors;
      try {
        free(await (call.run as (...args: unknown[]) => unknown)(...call.args()));
      } catch (error) {
        failed.push(`${call.name}: ${String(error)}`);
      }
      if (memory().numTensors !== before) failed.push(`${call.name}: ${memory().numTensors - before} tensors left`);
    }
    expect(failed).toEqual([]);
  });

  test('refuses what is wrong by name, soon, and leaves everything as it was', async () => {
    const perCall = Math.ceil(CALLS / world.calls.length);
    const faults: string[] = [];
    let calls = 0;
    for (const [index, call] of world.calls.entries()) {
      for (const spoiling of fc.sample(spoilings, {numRuns: perCall, seed: SEED + index})) {
        calls++;
        const fault = await tryCall(call, spoiling);
        if (fault !== undefined) faults.push(fault);
      }
    }
    expect(calls).toBeGreaterThanOrEqual(CALLS);
    expect(faults.length, `${faults.length} of ${calls} calls:\n${faults.join('\n')}`).toBe(0);
  }, 7_200_000);

  /** Calls once; says what was wrong. */
  async function tryCall(call: Call, spoiling: Spoiling): Promise<string | undefined> {
    const before = memory().numTensors;
    const args = call.args();
    const made: unknown[] = [];
    const words = spoil(call, args, spoiling, made);
    const withSignal = args.map((each, index) =>
      isOptionsAt(call, index) && isPlain(each) && words !== 'signal' ? withStop(call, each) : each,
    );
    const held = digest([withSignal, world.lasting]);
    const start = performance.now();
    let outcome: {result: unknown} | {error: unknown};
    try {
      outcome = {result: await (call.run as (...given: unknown[]) => unknown)(...withSignal)};
    } catch (error) {
      outcome = {error};
    }
    const milliseconds = performance.now() - start;
    const changed = digest([withSignal, world.lasting]) !== held;
    if ('result' in outcome) free(outcome.result);
    made.forEach(free);
    args.forEach((each) => freeTensors(each, world.lasting));
    const left = memory().numTensors - before;
    const what = `${call.name} with ${spoiling.how} ${words} = ${shown(spoiling.make)}`;
    if (milliseconds > SOON) return `${what}: took ${Math.round(milliseconds)} ms`;
    if (left !== 0) return `${what}: ${left} tensors left`;
    if (changed) return `${what}: the arguments have changed`;
    if ('result' in outcome) return spoiling.how === 'name' && words !== '' ? `${what}: an unknown option was taken` : undefined;
    const complaint = complaintAbout(call, outcome.error);
    return complaint && `${what}: ${complaint}`;
  }

  /** Whether an argument holds options with a schema. */
  function isOptionsAt(call: Call, index: number): boolean {
    return call.params[index] === 'options' || call.params[index] === 'config';
  }

  function namesOf(call: Call): readonly string[] {
    const name = call.name.replace(/Explainer$/, '');
    return (
      options.get(call.name) ??
      options.get(name === 'random' ? 'randomExplainer' : name) ??
      options.get(call.name.replace('AttentiveDistiller.', '')) ??
      []
    );
  }

  function withStop(call: Call, given: Record<string, unknown>): Record<string, unknown> {
    return namesOf(call).includes('signal') && !('signal' in given) ? {...given, signal: AbortSignal.timeout(STOP)} : given;
  }

  /** Spoils the arguments; returns the name of what it touched, `''` where there was nothing to touch. */
  function spoil(call: Call, args: unknown[], {argument, how, key, make}: Spoiling, made: unknown[]): string {
    const value = make();
    made.push(value);
    const at = argument % call.params.length;
    const at2 = call.params.findIndex((_, index) => isOptionsAt(call, index));
    const given = args[at2];
    if (how === 'name' && !(at2 >= 0 && isPlain(given))) return '';
    if ((how === 'option' || how === 'name') && at2 >= 0 && isPlain(given)) {
      const names = namesOf(call);
      const name = how === 'option' ? names[key % names.length] : misspelt(names[key % names.length] ?? 'x', names);
      if (name === undefined) return '';
      args[at2] = {...given, [name]: how === 'name' ? (value ?? 1) : value};
      return name;
    }
    if (how === 'inside') {
      const path = inside(args, at, key, value, world.lasting);
      if (path !== undefined) return `${call.params[at]}${path}`;
    }
    args[at] = value;
    return call.params[at]!;
  }
});

function misspelt(name: string, names: readonly string[]): string {
  const other = `${name.slice(1)}${name[0]}`;
  return names.includes(other) ? `${other}x` : other;
}

/** Puts a value into an argument, at the end of some path; models and tensors are let alone. */
function inside(args: unknown[], at: number, key: number, value: unknown, lasting: readonly unknown[]): string | undefined {
  let holder: unknown = args[at];
  let path = '';
  let rest = key;
  for (let depth = 0; depth < 4; depth++) {
    if (lasting.includes(holder)) return undefined;
    if (!(Array.isArray(holder) || isPlain(holder) || holder instanceof Float32Array || holder instanceof Uint8ClampedArray))
      return undefined;
    const keys = Object.keys(holder).slice(0, 40);
    if (keys.length === 0) return undefined;
    const name = keys[rest % keys.length]!;
    rest = Math.floor(rest / keys.length);
    path += `.${name}`;
    const next = (holder as Record<string, unknown>)[name];
    const goesOn = rest % 2 === 0 && (Array.isArray(next) || isPlain(next) || next instanceof Float32Array);
    rest = Math.floor(rest / 2);
    if (!goesOn) {
      try {
        (holder as Record<string, unknown>)[name] = value;
      } catch {
        return undefined;
      }
      return path;
    }
    holder = next;
  }
  return undefined;
}

/** What is wrong with an error. */
function complaintAbout({name, says = [name]}: Call, error: unknown): string | undefined {
  if (error instanceof DOMException) return undefined; // the signal's reason
  const typed = error instanceof TypeError || error instanceof RangeError || error instanceof AttentiveError;
  if (!typed) return `threw ${String(error)}`;
  const {message} = error;
  if (
    /Cannot read|is not a function|is not iterable|is not defined|Cannot convert|Invalid array length|call stack|Invalid typed array/i.test(
      message,
    )
  )
    return `threw the engine's own words: ${message}`;
  const begins = says.some((each) => message.startsWith(`${each}:`) || message.startsWith(`${each} `) || message.startsWith(`${each}.`));
  return begins ? undefined : `does not say who complains: ${error.constructor.name}: ${message}`;
}

/** A text that differs when anything that a value holds does. */
function digest(value: unknown, depth = 0): string {
  if (value instanceof Tensor) return value.isDisposed ? 'gone' : `${value.dtype}${value.shape.join()}:${digest(value.dataSync())}`;
  if (value instanceof LayersModel) return value.weights.map((weight) => digest(weight.read())).join();
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return (value as unknown as Float32Array).join();
  if (depth > 5 || typeof value !== 'object' || value === null || value instanceof AbortSignal)
    return typeof value === 'symbol' ? 'symbol' : String(value);
  if (Array.isArray(value)) return `[${value.map((each) => digest(each, depth + 1)).join()}]`;
  if (!isPlain(value)) return Object.prototype.toString.call(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${key}:${digest(each, depth + 1)}`)
    .join()}}`;
}

/** Frees what a result or an argument holds. */
function shown(make: Maker): string {
  const value = make();
  try {
    return fc.stringify(value instanceof Tensor ? `tensor ${value.dtype} [${value.shape.join()}]` : value).slice(0, 120);
  } finally {
    freeTensors(value);
  }
}
