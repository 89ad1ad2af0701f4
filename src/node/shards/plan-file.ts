/** A plan in a store, beside its shards, so that whoever is told its id can work on it. */
import {show} from '../../core/check.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {decodeContent, encodeContent} from './content.js';
import {checkPlan, type ShardPlan} from './plan.js';
import {checkStore, type ShardStore} from './store.js';

/**
 * Keeps a plan in a store.
 *
 * @throws {TypeError | AttentiveError} If it is no plan, or one of another version.
 */
export async function writePlan(plan: ShardPlan, store: ShardStore): Promise<void> {
  checkPlan('writePlan', plan);
  checkStore('writePlan', store);
  await store.write(fileOf(plan.id), encodeContent(plan));
}

/**
 * Reads the plan of that id.
 *
 * @throws {TypeError} If `id` is none.
 * @throws {AttentiveError} If it is not there, damaged, or of another version.
 */
export async function readPlan(id: string, store: ShardStore): Promise<ShardPlan> {
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) throw new TypeError(`readPlan: id must be that of a plan, but is ${show(id)}.`);
  checkStore('readPlan', store);
  const bytes = await store.read(fileOf(id));
  const plan = bytes && (decodeContent(bytes) as ShardPlan | undefined);
  if (plan?.id !== id) {
    const problem = bytes === undefined ? 'is not in the store' : 'is damaged';
    throw new AttentiveError(`readPlan: the plan ${id} ${problem}. Check that all machines see the same store, and enqueue again.`);
  }
  checkPlan('readPlan', plan);
  return plan;
}

function fileOf(id: string): string {
  return `plan-${id}.json`;
}
