import { Context } from '@temporalio/activity';
import pg from 'pg';
import type { Deps } from '../../activities/deps.ts';
import type { Receipt } from '../../rules/attempt.ts';
import type { LoadIdentity } from '../../warehouse/day-table.ts';
import { eviction } from './orders.ts';

/** What a worker of the tests works without. */
export interface Without {
  /** A rule whose mechanism is taken away (test/chaos/sabotage.ts), or ''. */
  readonly sabotage: string;
  /** Of the superuser. */
  readonly adminUrl: string;
}

/** Takes one thing away from what the steps work with. */
export function exchangeFor({ sabotage, adminUrl }: Without): (deps: Deps) => Deps {
  return (deps) => {
    const obedient = { ...deps, eviction: evictionByOrder(deps.eviction) };
    return SABOTAGED[sabotage]?.(obedient, adminUrl) ?? obedient;
  };
}

/** Evicts until the order comes to do so no more. */
function evictionByOrder(real: Deps['eviction']): Deps['eviction'] {
  const now = () => (eviction.isOn ? real : noEviction);
  return {
    evictBefore: (day, epoch) => now().evictBefore(day, epoch),
    end: (session) => now().end(session),
  };
}

/** Nobody is ever ended. */
export const noEviction: Deps['eviction'] = {
  evictBefore: () => Promise.resolve(),
  end: () => Promise.resolve(),
};

/** The half of each sabotage that is the worker's; the database's is in sabotage.ts. */
const SABOTAGED: Readonly<Record<string, (deps: Deps, adminUrl: string) => Deps>> = {
  // COMMIT publishes one half of the rows, and the other follows.
  R1: (deps, adminUrl) => ({
    ...deps,
    ledger: {
      ...deps.ledger,
      readBack: async (load) => {
        await publishRest(adminUrl);
        return deps.ledger.readBack(load);
      },
    },
  }),
  R2: (deps) => {
    const lenient = [...deps.datasets.values()].map((one) => ({ ...one, rejectLimitPercent: 100 }));
    return { ...deps, datasets: new Map(lenient.map((one) => [one.name, one])) };
  },
  R6: (deps) => ({ ...deps, eviction: noEviction }),
  R7: (deps) => ({
    ...deps,
    ledger: { ...deps.ledger, readBack: (load) => Promise.resolve(fabricated(load)) },
  }),
  R8: (deps) => ({
    ...deps,
    eviction: { ...deps.eviction, end: () => Promise.resolve() },
    ledger: { ...deps.ledger, findBatch: (load) => Promise.resolve(fabricated(load)) },
  }),
  R9: (deps) => ({
    ...deps,
    ledger: {
      ...deps.ledger,
      // The load alone forgets what its run has committed; whoever closes the attempt still knows.
      receiptOfRun: async (day, run) =>
        Context.current().info.activityType === 'load' ? undefined : deps.ledger.receiptOfRun(day, run),
    },
  }),
};

/** What the sabotaged swap has put aside goes where it belongs. */
async function publishRest(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`set session_replication_role = 'replica'`); // no guard stops it
    await client.query('call sabotage.publish_rest()');
  } finally {
    await client.end();
  }
}

function fabricated({ dataset, businessDate, loadId, epoch }: LoadIdentity): Receipt {
  const counts = { read: 0, loaded: 0, rejected: 0, discarded: 0, deduplicated: 0 };
  const committedAt = new Date().toISOString();
  return {
    dataset: dataset,
    businessDate,
    loadId,
    epoch,
    counts,
    tableName: 'none',
    contentSha256: '0'.repeat(64),
    committedAt,
  };
}
