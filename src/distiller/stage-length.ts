/** How long a stage lasts, how far it is, and what is left: by passes over the data, by steps or by minutes. */
import {absentMeans, group, integer, number} from '../core/fields.js';
import type {Field, Settled} from '../core/options.js';

/** When a stage ends. */
export interface Budget {
  /** After so many steps, at least 1. @default no limit */
  readonly steps?: number | undefined;
  /** After so many minutes, above 0; the step under way is finished. What is learned then depends on the machine. @default no limit */
  readonly minutes?: number | undefined;
}

/** `budget`: what ends a stage beside its epochs. */
export const budgetField: Field<Budget | undefined> = /* @__PURE__ */ absentMeans(
  group<Settled<Budget, 'steps' | 'minutes'>>({
    steps: absentMeans(integer(1), 'no limit'),
    minutes: absentMeans(number(Number.MIN_VALUE), 'no limit'),
  }),
  'none',
);

/** What ends a stage: the first of these that is reached; without any, {@link StageLength} decides. */
export interface StageLimits extends Budget {
  /** Passes over the data. */
  readonly epochs?: number | undefined;
}

/** How far a stage is. */
export interface Course {
  /** Steps taken. */
  readonly steps: number;
  /** Time spent. */
  readonly seconds: number;
}

// Without limits: the passes that a thousand photos want, and steps enough for a hundred.
const DEFAULT_EPOCHS = 6;
const DEFAULT_STEPS = 300;
// How far a stage counts as being before it is known how long a step takes.
const FIRST_STEP = 0.005;

/** The course of one stage. */
export class StageLength {
  readonly #limits: StageLimits;
  readonly #started: number;
  /** Steps taken. */
  steps: number;

  /** @param course How far the stage is already. */
  constructor(limits: StageLimits, {steps, seconds}: Course = {steps: 0, seconds: 0}) {
    this.#limits = limits;
    this.steps = steps;
    this.#started = performance.now() - 1000 * seconds;
  }

  /** How far the stage is. */
  get course(): Course {
    return {steps: this.steps, seconds: 60 * this.#minutes};
  }

  /**
   * Where the next step stands, for the schedule.
   *
   * @param passed Passes over the data before the middle of that step.
   * @param epochLength Steps per pass; NaN until it is known.
   * @returns How many passes the whole stage has; a part of one where steps or minutes end it.
   */
  epochsAt(passed: number, epochLength: number): number {
    const epochs = this.maxEpochs(epochLength);
    const {steps = Infinity} = this.#limits;
    const share = Math.max((this.steps + 0.5) / steps, this.#timeShare);
    return passed / epochs >= share ? epochs : passed / share;
  }

  /** The most passes over the data that the stage can have; ∞ where steps or minutes alone end it. */
  maxEpochs(epochLength: number): number {
    const {epochs, steps, minutes} = this.#limits;
    if (epochs !== undefined) return epochs;
    if (steps !== undefined || minutes !== undefined) return Infinity;
    return Number.isNaN(epochLength) ? DEFAULT_EPOCHS : Math.max(DEFAULT_EPOCHS, Math.ceil(DEFAULT_STEPS / epochLength));
  }

  /** How many passes there are to be, the one under way included; estimated where minutes end the stage. */
  epochCount(epoch: number, epochLength: number): number {
    const planned = Math.ceil(this.totalSteps(epochLength) / epochLength) || 0;
    return Math.min(this.maxEpochs(epochLength), Math.max(epoch + 1, planned));
  }

  /** Whether the steps or the minutes are used up. */
  get isOver(): boolean {
    const {steps = Infinity, minutes = Infinity} = this.#limits;
    return this.steps >= steps || (this.steps > 0 && this.#minutes >= minutes);
  }

  /** Steps of the whole stage, as far as that can be known; otherwise NaN. */
  totalSteps(epochLength: number): number {
    const {steps = Infinity, minutes} = this.#limits;
    const inTime = minutes === undefined ? Infinity : this.steps === 0 ? NaN : this.steps / Math.min(1, this.#timeShare);
    const known = [this.maxEpochs(epochLength) * epochLength, steps, inTime].filter((each) => !Number.isNaN(each));
    const least = Math.min(...known);
    return Number.isFinite(least) ? Math.ceil(least) : NaN;
  }

  /** Seconds that are left, by the mean of the steps so far; NaN while that cannot be known. */
  secondsLeft(epochLength: number): number {
    if (this.steps === 0) return NaN;
    return Math.max(0, ((60 * this.#minutes) / this.steps) * (this.totalSteps(epochLength) - this.steps));
  }

  get #minutes(): number {
    return (performance.now() - this.#started) / 60_000;
  }

  get #timeShare(): number {
    const {minutes} = this.#limits;
    if (minutes === undefined) return 0;
    return this.steps === 0 ? FIRST_STEP : this.#minutes / minutes;
  }
}
