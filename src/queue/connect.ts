/** BullMQ, an optional peer, and how its server is reached. */
import type * as bullmq from 'bullmq';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {custom, required, text, withDefault} from '../core/fields.js';
import {importOptional, importReason} from '../core/import-optional.js';
import type {Field} from '../core/options.js';

/** Where the queue is. */
export interface QueueAddress {
  /** Of Redis or Valkey: `'redis://host:6379'`, or what the package ioredis takes: `{host, port, password, tls}`. */
  readonly connection: string | Readonly<Record<string, unknown>>;
  /** Name of the queue. @default 'attentive-distiller' */
  readonly queue?: string | undefined;
}

/** What a job says. */
export interface ShardJob {
  /** Id of the plan, which is in the store. */
  readonly plan: string;
  /** Index of the shard in the plan. */
  readonly shard: number;
  /** Nobody wants the result any more. */
  readonly cancelled: boolean;
}

/** Fields of {@link QueueAddress}. */
export const addressFields: {readonly connection: Field<QueueAddress['connection']>; readonly queue: Field<string>} = {
  connection: required(
    custom<QueueAddress['connection']>("a URL such as 'redis://localhost:6379' or an object {host, port}", (value) => {
      if (typeof value === 'string') return /^rediss?:\/\/./.test(value) ? undefined : 'value';
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'kind';
    }),
  ),
  queue: withDefault(text(), 'attentive-distiller'),
};

/** The connection as BullMQ takes it. */
export function connectionOf({connection}: Pick<QueueAddress, 'connection'>): bullmq.ConnectionOptions {
  return typeof connection === 'string' ? {url: connection} : connection;
}

/** Loads BullMQ. @throws {AttentiveError} If it, or the client ioredis, is not installed. */
export async function loadBullmq(where: string): Promise<typeof bullmq> {
  // BullMQ asks for its client only when it connects.
  await load(where, 'ioredis');
  return (await load(where, 'bullmq')) as unknown as typeof bullmq;
}

async function load(where: string, name: string): Promise<Record<string, unknown>> {
  try {
    return await importOptional(name);
  } catch (cause) {
    throw new AttentiveError(`${where}: ${importReason(name, cause)}`, {cause});
  }
}
