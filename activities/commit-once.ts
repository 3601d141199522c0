import type { EntityManager } from 'typeorm';
import type { Logger } from 'pino';
import type { Receipt } from '../rules/attempt.ts';
import { CommitInDoubt, CommitNotFound } from '../rules/errors.ts';
import { judgeCommit, type KnownOfCommit } from '../rules/in-doubt.ts';
import { openLoadSession, type LoadSession } from '../warehouse/data-source.ts';
import type { LoadIdentity } from '../warehouse/day-table.ts';
import { ownSession, type Session } from '../warehouse/evict.ts';
import { isConnectionLoss, warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';

/** How long a stopped load waits for its backend to be ended before it cuts its wire; the fence keeps it harmless. */
const LONGEST_EVICTION_MS = 3_000;

type CommitDeps = Pick<Deps, 'ledger' | 'eviction' | 'loaderUrl'>;

/**
 * Runs `work` in one transaction on a connection of its own and answers what the ledger says of it (R1, R7).
 * However the transaction ends, its backend is gone before the ledger is believed (R8). An aborted `signal` ends
 * the backend, whatever it is doing.
 */
export async function commitOnce(
  deps: CommitDeps,
  load: LoadIdentity,
  { signal, log }: { signal: AbortSignal; log: Logger },
  work: (tx: EntityManager) => Promise<void>,
): Promise<Receipt> {
  const session = await openLoadSession(deps.loaderUrl, load, load.epoch);
  try {
    const backend = await ownSession(session.source);
    const failure = await transact(deps, session, backend, { signal, log }, work);
    const receipt = await settle(deps, load, backend, failure);
    if (failure) {
      log.warn(
        { err: failure.error, loadId: load.loadId },
        'COMMIT was not confirmed, yet the ledger has the batch',
      );
    }
    return receipt;
  } catch (error) {
    throw warehouseError(error, `Loading ${load.dataset} of ${load.businessDate} failed`);
  } finally {
    await session.source.destroy();
  }
}

/** Why the transaction was not confirmed. */
interface Failure {
  readonly error: unknown;
}

async function transact(
  { eviction }: CommitDeps,
  session: LoadSession,
  backend: Session,
  { signal, log }: { signal: AbortSignal; log: Logger },
  work: (tx: EntityManager) => Promise<void>,
): Promise<Failure | undefined> {
  const stop = () => {
    // The pool that evicts may be as dark as the load's own wire: the cut waits for neither of them.
    const cutting = setTimeout(() => session.cut(), LONGEST_EVICTION_MS);
    eviction
      .end(backend)
      .catch((error: unknown) => log.error({ err: error }, 'the load session could not be ended'))
      .finally(() => {
        clearTimeout(cutting);
        session.cut();
      });
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    await session.source.transaction(work);
    return undefined;
  } catch (error) {
    return { error };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What became of the load, by the ledger alone. @throws the failure where nothing was written */
async function settle(
  { ledger, eviction }: CommitDeps,
  load: LoadIdentity,
  backend: Session,
  failure: Failure | undefined,
): Promise<Receipt> {
  if (failure) await eviction.end(backend);
  const receipt = failure ? await ledger.findBatch(load) : await ledger.readBack(load);
  const known: KnownOfCommit = {
    answer: failure ? (isConnectionLoss(failure.error) ? 'nothing' : 'error') : 'confirmed',
    backend: 'gone', // confirmed, or `end` would have thrown
    batch: receipt ? 'present' : 'absent',
  };
  const verdict = judgeCommit(known);
  switch (verdict) {
    case 'loaded':
      return receipt as Receipt;
    case 'lost':
      throw new CommitNotFound(
        `COMMIT of ${load.dataset} of ${load.businessDate} was confirmed, yet the ledger has no batch`,
        {
          detail: `epoch ${load.epoch}, load ${load.loadId}`,
          hint: 'The transaction had been aborted before; nothing was written, and the step is tried again.',
        },
      );
    case 'not loaded':
      throw failure?.error;
    default: // in doubt
      throw new CommitInDoubt(`COMMIT of ${load.dataset} of ${load.businessDate} is in doubt`, {
        detail: `session ${backend.applicationName} (pid ${backend.pid}) lives on`,
      });
  }
}
