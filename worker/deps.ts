import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Deps } from '../activities/deps.ts';
import type { Channels } from '../alerting/channels/channel.ts';
import { inTime } from '../alerting/in-time.ts';
import { makeLink } from '../alerting/callbacks/links.ts';
import { OnCallFile, refuseWrongVariables } from '../alerting/paging/on-call.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import { SortThreads } from '../intake/sort-threads.ts';
import { evictionBy } from '../warehouse/evict.ts';
import { ledgerOf } from '../warehouse/ledger.ts';
import type { Dataset } from '../rules/dataset.ts';
import { openAlarm } from './alarm.ts';
import type { Config } from './config.ts';
import { ensureControl } from './control.ts';
import { resumeWhenOver } from './pause.ts';
import { createMissingSchedules, pausedSchedules } from './schedules.ts';

/** The composition root: what every step of this worker works with. */
export function createDeps(parts: {
  readonly config: Config;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly warehouse: DataSource;
  readonly loaderUrl: string;
  readonly temporal: Client;
  readonly channels: Channels;
  readonly log: Logger;
}): Deps {
  const { config, ...rest } = parts;
  const { callbacks } = config.paging;
  const onCall = new OnCallFile(config.projectRoot, parts.datasets.keys(), parts.log);
  if (onCall.current) refuseWrongVariables(onCall.current, config.env);
  return {
    ...rest,
    ...openAlarm({ ...parts, onCall: () => onCall.current }),
    ledger: ledgerOf(parts.warehouse),
    eviction: evictionBy(parts.warehouse),
    landing: openLandingFolder(join(config.home, 'landing')),
    inbox: config.inbox,
    threads: new SortThreads(),
    upkeep: {
      createMissingSchedules: () => createMissingSchedules(parts.temporal, [...parts.datasets.values()]),
      pausedSchedules: () => pausedSchedules(parts.temporal),
      resumeWhenOver: (dataset) => resumeWhenOver(parts.temporal, dataset, new Date().toISOString()),
      ensureControl: () => ensureControl(parts.temporal, parts.warehouse),
    },
    ...(callbacks && {
      ackLink: (alert, person) =>
        inTime(() => makeLink(parts.warehouse, callbacks.publicUrl, { ...alert, person })),
    }),
    env: config.env,
  };
}
