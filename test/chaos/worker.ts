/**
 * A worker to be struck: what `nighttrain worker` starts, with the datasets of the tests. It obeys its parent beside:
 * it stands by until it is told to go, blocks its own event loop, shifts its clock, lets its disk be full, and works
 * with something taken away where `SABOTAGE` says so.
 */
import { readFile } from 'node:fs/promises';
import { Output } from '../../cli/output.ts';
import { StopRequest, untilStopped } from '../../cli/signals.ts';
import { readConfig } from '../../worker/config.ts';
import { databasesOf } from '../../worker/databases.ts';
import { createLog } from '../../worker/log.ts';
import { startWorker } from '../../worker/run.ts';
import { installRuntime } from '../../worker/runtime.ts';
import { CHAOS_DATASETS } from './datasets.ts';
import { obey, orderOf } from './orders.ts';
import { exchangeFor } from './saboteur.ts';

const { SABOTAGE = '', WORKFLOW_BUNDLE = '', ADMIN_URL = '' } = process.env;

using stop = StopRequest.listen();
const config = readConfig();
const log = createLog(config.logLevel);
installRuntime(log);
obey();
log.info('standing by');
await orderOf('go');
const { loaderUrl } = await databasesOf(config, undefined);
const worker = await startWorker({
  config,
  datasets: new Map(CHAOS_DATASETS.map((dataset) => [dataset.name, dataset])),
  loaderUrl,
  temporal: { address: config.temporalAddress ?? '', namespace: config.temporalNamespace },
  log,
  workflowBundle: { code: await readFile(WORKFLOW_BUNDLE, 'utf8') },
  exchange: exchangeFor({ sabotage: SABOTAGE, adminUrl: ADMIN_URL }),
});
await untilStopped(worker, stop, new Output(false));
process.exit(); // the parent's channel would keep us
