import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Dataset } from '../rules/dataset.ts';
import type { LandingStore } from '../intake/landing.ts';
import type { Eviction } from '../warehouse/evict.ts';
import type { Ledger } from '../warehouse/ledger.ts';

/** Keeps Temporal's side of the house in order. */
export interface Upkeep {
  /** Creates the schedules that are declared and missing; answers which. */
  createMissingSchedules(): Promise<readonly string[]>;
  pausedSchedules(): Promise<readonly { readonly dataset: string; readonly note: string | undefined }[]>;
  /** Starts `control` where it is missing or stuck; answers what was wrong, or undefined. */
  ensureControl(): Promise<string | undefined>;
}

/** What the steps work with; the composition root (worker/deps.ts) makes it, tests hand in others. */
export interface Deps {
  readonly datasets: ReadonlyMap<string, Dataset>;
  /** The pool for everything that no rollback may touch: fence, attempts, quarantine, requests. */
  readonly warehouse: DataSource;
  /** For the unpooled connection of each load attempt. */
  readonly loaderUrl: string;
  readonly ledger: Ledger;
  readonly eviction: Eviction;
  readonly landing: LandingStore;
  readonly inbox: string;
  readonly env: (name: string) => string | undefined;
  /** For ending older runs of a day that is taken over. */
  readonly temporal: Client;
  readonly upkeep: Upkeep;
  readonly log: Logger;
}
