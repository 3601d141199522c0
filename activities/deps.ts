import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Alarm } from '../alerting/alarm/alarm.ts';
import type { Channels } from '../alerting/channels/channel.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { OnCall } from '../rules/on-call.ts';
import type { LandingStore } from '../intake/landing.ts';
import type { SortThreads } from '../intake/sort-threads.ts';
import type { Eviction } from '../warehouse/evict.ts';
import type { Ledger } from '../warehouse/ledger.ts';

/** Keeps Temporal's side of the house in order. */
export interface Upkeep {
  /** Creates the schedules that are declared and missing; answers which. */
  createMissingSchedules(): Promise<readonly string[]>;
  pausedSchedules(): Promise<readonly { readonly dataset: string; readonly note: string | undefined }[]>;
  /** Resumes a schedule whose pause is over; answers when that was to end, or undefined where it goes on. */
  resumeWhenOver(dataset: string): Promise<string | undefined>;
  /** Starts `control` where it is missing or stuck; answers what was wrong, or undefined. */
  ensureControl(): Promise<string | undefined>;
}

/** The escalations of alerts. @throws whatever Temporal throws that does not answer within seconds */
export interface Escalations {
  /** Starts one; where it runs, it looks at its alert again. */
  start(alertId: string): Promise<void>;
  isRunning(alertId: string): Promise<boolean>;
  /** Has one that runs look at its alert again; one that has ended needs no telling. */
  alertChanged(alertId: string): Promise<void>;
  /** Has one that runs look at its pages again. */
  deliveryChanged(alertId: string): Promise<void>;
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
  /** Where large files are sorted. */
  readonly threads: SortThreads;
  readonly env: (name: string) => string | undefined;
  /** For ending older runs of a day that is taken over. */
  readonly temporal: Client;
  readonly upkeep: Upkeep;
  readonly alarm: Alarm;
  readonly escalations: Escalations;
  /** The on-call file as it is now; undefined where there is none. */
  readonly onCall: () => OnCall | undefined;
  /** The ways to reach people that are set up here. */
  readonly channels: Channels;
  /** A link that acknowledges by one POST; none where nobody outside reaches us. */
  readonly ackLink?: (
    alert: { readonly alertId: string; readonly firing: number },
    person: string,
  ) => Promise<string>;
  readonly log: Logger;
}
