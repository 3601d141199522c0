import type { EntityManager } from 'typeorm';
import type { Logger } from 'pino';
import type { Receipt } from '../rules/attempt.ts';
import { openLoadSession } from '../warehouse/data-source.ts';
import type { LoadIdentity } from '../warehouse/day-table.ts';
import { ownSession } from '../warehouse/evict.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';

/**
 * Runs `work` in one transaction on a connection of its own and answers what the ledger says of it (R1, R7).
 * However the transaction ends, its backend is gone before the ledger is believed: absence proves nothing
 * while an old backend lives (R8). An aborted `signal` ends the backend, whatever it is doing.
 */
export async function commitOnce(
  { ledger, eviction, loaderUrl }: Pick<Deps, 'ledger' | 'eviction' | 'loaderUrl'>,
  load: LoadIdentity,
  { signal, log }: { signal: AbortSignal; log: Logger },
  work: (tx: EntityManager) => Promise<void>,
): Promise<Receipt> {
  const session = await openLoadSession(loaderUrl, load, load.epoch);
  try {
    const backend = await ownSession(session.source);
    const stop = () => {
      eviction
        .end(backend)
        .catch((error: unknown) => log.error({ err: error }, 'the load session could not be ended'))
        .finally(() => session.cut());
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      await session.source.transaction(work);
    } catch (error) {
      await eviction.end(backend);
      const receipt = await ledger.findBatch(load);
      if (receipt) {
        log.warn(
          { err: error, loadId: load.loadId },
          'the connection died at COMMIT, yet the batch is in the ledger',
        );
        return receipt;
      }
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return await ledger.readBack(load);
  } catch (error) {
    throw warehouseError(error, `Loading ${load.dataset} of ${load.businessDate} failed`);
  } finally {
    await session.source.destroy();
  }
}
