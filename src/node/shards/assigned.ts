/** Which shards a process of several does: told, or by the variables that clusters set. */
import {checkInteger, show} from '../../core/check.js';
import {absentMeans, integer} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {checkPlan, type ShardPlan} from './plan.js';

const WHERE = 'assignedShards';
const VARIABLES = ['JOB_COMPLETION_INDEX', 'AWS_BATCH_JOB_ARRAY_INDEX', 'SLURM_ARRAY_TASK_ID'];

/** A process among several. */
export interface ShardShare {
  /** Which one, from 0. @default JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX or SLURM_ARRAY_TASK_ID */
  readonly index?: number | undefined;
  /** How many there are. @default one for each shard */
  readonly count?: number | undefined;
}

/** The options of {@link assignedShards}. */
export const assignedShardsSchema: OptionsSchema<Settled<ShardShare, 'index' | 'count'>> = {
  where: WHERE,
  fields: {
    index: absentMeans(integer(), `${VARIABLES.slice(0, -1).join(', ')} or ${VARIABLES.at(-1)}`),
    count: absentMeans(integer(1), 'one for each shard'),
  },
};

/**
 * Returns the shards that a process does: of `count` processes, number `index` does the shards `index`, `index + count`, and so on.
 * Kubernetes' indexed jobs, AWS Batch's arrays and Slurm's arrays (`--array=0-N`) say `index` by themselves.
 *
 * @param environment @default process.env
 * @returns Indices for `runShard`; all shards if neither `share` nor the environment names a process.
 * @throws {RangeError} If the index is none of a process, or two variables name different ones.
 */
export function assignedShards(
  plan: ShardPlan,
  share: ShardShare = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): number[] {
  checkPlan(WHERE, plan);
  const {index: told, count: of} = readOptions(assignedShardsSchema, share);
  const all = plan.shards.map((_, index) => index);
  const index = told ?? indexFrom(environment);
  if (index === undefined && of === undefined) return all;
  const count = of ?? all.length;
  if (index === undefined) throw new RangeError(`${WHERE}: index must be given with count, where none of ${VARIABLES.join(', ')} is set.`);
  checkInteger(`${WHERE}: index`, index, 0, count - 1);
  return all.filter((shard) => shard % count === index);
}

function indexFrom(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  const named = VARIABLES.filter((name) => (environment[name] ?? '') !== '');
  const values = new Set(named.map((name) => environment[name]));
  if (values.size > 1)
    throw new RangeError(
      `${WHERE}: ${named.join(' and ')} must say the same, but are ${[...values].map(show).join(' and ')}. Give the index.`,
    );
  const [name] = named;
  return name === undefined ? undefined : checkInteger(`${WHERE}: ${name}`, Number(environment[name]));
}
