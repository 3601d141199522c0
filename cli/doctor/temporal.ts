import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { applySchedules, pausedSchedules } from '../../worker/schedules.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { CONTROL_ID } from '../../workflows/messages.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import { hasWorker } from '../pollers.ts';
import { examine, fail, ok, warn, type Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** An operator on Monday asks about a night of weeks ago (§3). */
const RETENTION_DAYS = 30;

const START_WORKER = 'Start a worker, which brings it in line: npx nighttrain worker';

export async function checkTemporal(
  client: Client,
  datasets: readonly Dataset[],
): Promise<readonly Finding[]> {
  return [
    await examine('namespace', START_WORKER, () => checkRetention(client)),
    await examine('search attributes', START_WORKER, () => checkSearchAttributes(client)),
    await examine('schedules', START_WORKER, () => checkSchedules(client, datasets)),
    await examine('control', START_WORKER, () => checkControl(client)),
    await examine('worker', START_WORKER, async () =>
      (await hasWorker(client))
        ? ok('worker', 'at least one polls')
        : fail(
            'worker',
            'none polls: no night will be loaded',
            'Start one: npx nighttrain up, or npx nighttrain worker',
          ),
    ),
  ].flat();
}

async function checkRetention({ workflowService, options: { namespace } }: Client): Promise<Finding> {
  const { config } = await workflowService.describeNamespace({ namespace });
  const days = tsToMs(config?.workflowExecutionRetentionTtl ?? undefined) / DAY_MS;
  const found = `${namespace} keeps closed workflows for ${days} days`;
  const mend = `temporal operator namespace update --namespace ${namespace} --retention ${RETENTION_DAYS}d`;
  return days < RETENTION_DAYS ? warn('namespace', found, mend) : ok('namespace', found);
}

async function checkSearchAttributes({ connection, options: { namespace } }: Client): Promise<Finding> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in customAttributes)).map(({ name }) => name);
  return missing.length > 0
    ? fail('search attributes', `missing: ${missing.join(', ')}`, START_WORKER)
    : ok('search attributes', 'dataset, business date and state are searchable');
}

async function checkSchedules(client: Client, datasets: readonly Dataset[]): Promise<Finding> {
  const changes = (await applySchedules(client, datasets, true)).filter(({ action }) => action !== 'keep');
  const found = changes.map(({ scheduleId, action }) => `${scheduleId}: ${action}`).join(', ');
  if (changes.length > 0)
    return warn('schedules', `they differ from the declarations: ${found}`, START_WORKER);
  const paused = await pausedSchedules(client);
  if (paused.length === 0) return ok('schedules', 'as the datasets declare them');
  return warn(
    'schedules',
    paused.map(({ dataset, note }) => `${dataset} is paused: ${note ?? 'nobody said why'}`).join('\n'),
    'Once it may go on: npx nighttrain resume <dataset>',
  );
}

async function checkControl(client: Client): Promise<Finding> {
  const { status } = await client.workflow.getHandle(CONTROL_ID).describe();
  return status.name === 'RUNNING'
    ? ok('control', `${CONTROL_ID} is running`)
    : fail('control', `${CONTROL_ID} is ${status.name.toLowerCase()}: signals find nobody`, START_WORKER);
}
