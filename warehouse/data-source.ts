import { Socket } from 'node:net';
import pg from 'pg';
import { DataSource } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { watchfulClient } from './dark-wire.ts';
import { entities } from './entities/index.ts';

/** The role that the worker and the commands work as: it owns nothing (R15). */
export const LOADER_ROLE = 'nighttrain_loader';

/**
 * Values as Night Train wants them: a row count is a number, a `date` stays text (R18).
 * Beyond 2^53 a count would lie, so it throws.
 */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8) return toSafeInteger;
    if (oid === pg.types.builtins.DATE) return (value: string) => value;
    return pg.types.getTypeParser(oid, format) as (value: string) => unknown;
  }) as typeof pg.types.getTypeParser,
};

function toSafeInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} does not fit a JavaScript number`);
  return number;
}

export interface PoolOptions {
  /** What `pg_stat_activity` shows, 63 bytes at most. */
  readonly applicationName?: string;
  readonly poolSize?: number;
  /** Makes the socket of each connection. */
  readonly stream?: () => Socket;
  /** An answer that takes longer never comes. */
  readonly longestSilenceMs?: number;
}

/** No statement but a load's is silent for so long. */
const LONGEST_SILENCE_MS = 10 * 60_000;

/**
 * A pool on the warehouse. Closing it with `destroy()` is the caller's.
 * @param url of the loader
 */
export async function openWarehouse(
  url: string,
  {
    applicationName = 'nighttrain',
    poolSize = 10,
    stream,
    longestSilenceMs = LONGEST_SILENCE_MS,
  }: PoolOptions = {},
): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    url,
    entities,
    applicationName,
    poolSize,
    connectTimeoutMS: 10_000,
    poolErrorHandler: () => {
      // An idle connection that breaks is replaced by the pool; whoever uses one hears of it there.
    },
    extra: {
      types,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...(stream && { stream }),
      Client: watchfulClient(url, longestSilenceMs),
    },
  });
  return await source.initialize();
}

/** The session of one load attempt; its name is what eviction goes by (§6). */
export function sessionName({ dataset, businessDate }: DatasetDay, epoch: number): string {
  return `nt:${dataset}:${businessDate}:${epoch}`;
}

/** A connection of one load attempt or fold, shared with nobody. */
export interface LoadSession {
  readonly source: DataSource;
  /** Cuts the wire, so that nobody waits for an answer that never comes: a black hole sends no error. */
  cut(): void;
}

/** A connection that belongs to one load attempt alone, so that evicting it harms nobody else. */
export function openLoadSession(url: string, day: DatasetDay, epoch: number): Promise<LoadSession> {
  return openSession(url, sessionName(day, epoch));
}

/** A connection of its own for work as long as a step. @param applicationName 63 bytes at most */
export async function openSession(url: string, applicationName: string): Promise<LoadSession> {
  const sockets: Socket[] = [];
  const stream = () => {
    const socket = new Socket();
    sockets.push(socket);
    return socket;
  };
  const longestSilenceMs = Infinity; // its step has a time-out
  const source = await openWarehouse(url, { applicationName, poolSize: 1, stream, longestSilenceMs });
  return { source, cut: () => sockets.forEach((socket) => socket.destroy()) };
}
